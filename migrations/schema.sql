CREATE TABLE affinity_source (
	id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_affinity_source PRIMARY KEY (id), 
	CONSTRAINT ck_affinity_source_kind CHECK (kind in ('counts', 'similar')), 
	CONSTRAINT uq_affinity_source_name UNIQUE (name)
);
CREATE TABLE album (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	title VARCHAR(500) NOT NULL, 
	artist_id INTEGER, 
	year INTEGER, search_terms TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_album PRIMARY KEY (id), 
	CONSTRAINT fk_album_artist_id_artist FOREIGN KEY(artist_id) REFERENCES artist (id) ON DELETE SET NULL, 
	CONSTRAINT uq_album_public_id UNIQUE (public_id)
);
CREATE TABLE album_opinion (
	listener_id INTEGER NOT NULL, 
	album_id INTEGER NOT NULL, 
	starred_at DATETIME, 
	rating INTEGER, 
	CONSTRAINT pk_album_opinion PRIMARY KEY (listener_id, album_id), 
	CONSTRAINT fk_album_opinion_album_id_album FOREIGN KEY(album_id) REFERENCES album (id) ON DELETE CASCADE, 
	CONSTRAINT fk_album_opinion_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE api_token (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	scopes VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_used_at DATETIME, 
	revoked_at DATETIME, expires_at DATETIME, 
	CONSTRAINT pk_api_token PRIMARY KEY (id), 
	CONSTRAINT fk_api_token_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_api_token_token_hash UNIQUE (token_hash)
);
CREATE TABLE app_password (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	device VARCHAR(60) NOT NULL, 
	secret VARCHAR(400) NOT NULL, 
	api_key_hash VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_used_at DATETIME, 
	last_client VARCHAR(100) DEFAULT '' NOT NULL, 
	revoked_at DATETIME, 
	CONSTRAINT pk_app_password PRIMARY KEY (id), 
	CONSTRAINT fk_app_password_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_app_password_api_key_hash UNIQUE (api_key_hash)
);
CREATE TABLE artist (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	"key" VARCHAR(600) NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	musicbrainz_id VARCHAR(36), 
	confirmed BOOLEAN NOT NULL, 
	CONSTRAINT pk_artist PRIMARY KEY (id), 
	CONSTRAINT uq_artist_key UNIQUE ("key"), 
	CONSTRAINT uq_artist_musicbrainz_id UNIQUE (musicbrainz_id), 
	CONSTRAINT uq_artist_public_id UNIQUE (public_id)
);
CREATE TABLE artist_affinity (
	source_id INTEGER NOT NULL, 
	group_number INTEGER NOT NULL, 
	artist_id INTEGER NOT NULL, 
	weight DOUBLE NOT NULL, 
	CONSTRAINT pk_artist_affinity PRIMARY KEY (source_id, group_number, artist_id), 
	CONSTRAINT fk_artist_affinity_source_id_affinity_source FOREIGN KEY(source_id) REFERENCES affinity_source (id) ON DELETE CASCADE, 
	CONSTRAINT fk_artist_affinity_artist_id_named_artist FOREIGN KEY(artist_id) REFERENCES named_artist (id) ON DELETE CASCADE
);
CREATE TABLE artist_opinion (
	listener_id INTEGER NOT NULL, 
	artist_id INTEGER NOT NULL, 
	starred_at DATETIME, 
	rating INTEGER, 
	CONSTRAINT pk_artist_opinion PRIMARY KEY (listener_id, artist_id), 
	CONSTRAINT fk_artist_opinion_artist_id_artist FOREIGN KEY(artist_id) REFERENCES artist (id) ON DELETE CASCADE, 
	CONSTRAINT fk_artist_opinion_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE
);
CREATE TABLE "audio_file" (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	track_id INTEGER, 
	root VARCHAR(1000) NOT NULL, 
	path VARCHAR(1000) NOT NULL, 
	content_hash VARCHAR(64), 
	size INTEGER NOT NULL, 
	modified_ns INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reason VARCHAR(500), 
	duration_s DOUBLE, 
	sample_rate INTEGER, 
	channels INTEGER, 
	codec VARCHAR(40), 
	has_cover BOOLEAN NOT NULL, 
	info JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	part INTEGER DEFAULT '0' NOT NULL, 
	start_s DOUBLE, 
	end_s DOUBLE, kept_by_id INTEGER CONSTRAINT fk_audio_file_kept_by_id_listener REFERENCES listener (id) ON DELETE SET NULL, 
	CONSTRAINT pk_audio_file PRIMARY KEY (id), 
	CONSTRAINT ck_audio_file_state CHECK (state in ('listed', 'analysed', 'rejected', 'missing')), 
	CONSTRAINT uq_audio_file_public_id UNIQUE (public_id), 
	CONSTRAINT fk_audio_file_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE SET NULL
);
CREATE TABLE bookmark (
	listener_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	position_ms INTEGER NOT NULL, 
	comment VARCHAR(500) DEFAULT '' NOT NULL, 
	created_at DATETIME NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_bookmark PRIMARY KEY (listener_id, track_id), 
	CONSTRAINT fk_bookmark_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_bookmark_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE cluster (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	size INTEGER NOT NULL, 
	profile JSON NOT NULL, 
	CONSTRAINT pk_cluster PRIMARY KEY (id), 
	CONSTRAINT fk_cluster_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE cluster_assignment (
	run_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	label INTEGER NOT NULL, 
	confidence DOUBLE NOT NULL, 
	x DOUBLE NOT NULL, 
	y DOUBLE NOT NULL, 
	CONSTRAINT pk_cluster_assignment PRIMARY KEY (run_id, track_id), 
	CONSTRAINT fk_cluster_assignment_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE, 
	CONSTRAINT fk_cluster_assignment_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE duplicate (
	first_id INTEGER NOT NULL, 
	second_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	value DOUBLE, 
	group_id INTEGER NOT NULL, 
	CONSTRAINT pk_duplicate PRIMARY KEY (first_id, second_id, kind), 
	CONSTRAINT ck_duplicate_kind CHECK (kind in ('content', 'names', 'fingerprint', 'features')), 
	CONSTRAINT fk_duplicate_first_id_track FOREIGN KEY(first_id) REFERENCES track (id) ON DELETE CASCADE, 
	CONSTRAINT fk_duplicate_second_id_track FOREIGN KEY(second_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE feature_vector (
	id INTEGER NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	feature_set VARCHAR(40) NOT NULL, 
	version INTEGER NOT NULL, 
	digest VARCHAR(32) NOT NULL, 
	path VARCHAR(300) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_feature_vector PRIMARY KEY (id)
);
CREATE TABLE imported_features (
	track_id INTEGER NOT NULL, 
	feature_set VARCHAR(40) NOT NULL, 
	"values" TEXT NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	mark VARCHAR(32) DEFAULT '' NOT NULL, 
	imported_at DATETIME NOT NULL, 
	CONSTRAINT pk_imported_features PRIMARY KEY (track_id, feature_set), 
	CONSTRAINT fk_imported_features_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE invitation (
	id INTEGER NOT NULL, 
	secret_hash VARCHAR(64) NOT NULL, 
	note VARCHAR(60) NOT NULL, 
	creator_id INTEGER, 
	user_id INTEGER, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	CONSTRAINT pk_invitation PRIMARY KEY (id), 
	CONSTRAINT fk_invitation_creator_id_user FOREIGN KEY(creator_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_invitation_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_invitation_secret_hash UNIQUE (secret_hash)
);
CREATE TABLE job (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	kind VARCHAR(30) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	progress DOUBLE NOT NULL, 
	message VARCHAR(500) NOT NULL, 
	error TEXT, 
	log TEXT NOT NULL, 
	parameters JSON NOT NULL, 
	details JSON NOT NULL, 
	result JSON, 
	cancel_requested BOOLEAN NOT NULL, 
	user_id INTEGER, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	heartbeat_at DATETIME, priority INTEGER DEFAULT '0' NOT NULL, worker VARCHAR(40), exclusive_key VARCHAR(40), request_key VARCHAR(64), attempts INTEGER DEFAULT '0' NOT NULL, owner_key VARCHAR(80), listener_id INTEGER CONSTRAINT fk_job_listener_id_listener REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT pk_job PRIMARY KEY (id), 
	CONSTRAINT ck_job_state CHECK (state in ('waiting', 'running', 'done', 'failed', 'cancelled')), 
	CONSTRAINT fk_job_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE SET NULL, 
	CONSTRAINT uq_job_public_id UNIQUE (public_id)
);
CREATE TABLE kept_answer (
	listener_id INTEGER NOT NULL, 
	asked VARCHAR(200) NOT NULL, 
	tracks JSON NOT NULL, 
	state JSON NOT NULL, 
	change JSON, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_kept_answer PRIMARY KEY (listener_id), 
	CONSTRAINT fk_kept_answer_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE
);
CREATE TABLE listen (
	id INTEGER NOT NULL, 
	listener_id INTEGER NOT NULL, 
	track_id INTEGER, 
	"key" VARCHAR(60) NOT NULL, 
	played_at DATETIME, 
	times INTEGER NOT NULL, 
	ms_played INTEGER, 
	is_skip BOOLEAN NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	external_id VARCHAR(200) NOT NULL, 
	title VARCHAR(500) NOT NULL, 
	artists VARCHAR(500) NOT NULL, 
	album VARCHAR(500) NOT NULL, 
	created_at DATETIME NOT NULL, sent_at DATETIME, 
	CONSTRAINT pk_listen PRIMARY KEY (id), 
	CONSTRAINT fk_listen_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_listen_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE SET NULL
);
CREATE TABLE listenbrainz_account (
	id INTEGER NOT NULL, 
	listener_id INTEGER NOT NULL, 
	url VARCHAR(500) NOT NULL, 
	username VARCHAR(200) NOT NULL, 
	secret VARCHAR(1000) NOT NULL, 
	allows_private BOOLEAN DEFAULT 0 NOT NULL, 
	reads_plays BOOLEAN DEFAULT 1 NOT NULL, 
	reads_feedback BOOLEAN DEFAULT 1 NOT NULL, 
	sends_plays BOOLEAN DEFAULT 0 NOT NULL, 
	sends_feedback BOOLEAN DEFAULT 0 NOT NULL, 
	sends_since DATETIME, 
	sync JSON NOT NULL, 
	synced_at DATETIME, 
	retry_at DATETIME, 
	error VARCHAR(500), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_listenbrainz_account PRIMARY KEY (id), 
	CONSTRAINT fk_listenbrainz_account_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT uq_listenbrainz_account_listener_id UNIQUE (listener_id)
);
CREATE TABLE listener (
	id INTEGER NOT NULL, 
	token VARCHAR(64) NOT NULL, 
	user_id INTEGER, 
	created_at DATETIME NOT NULL, keeps_history BOOLEAN DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_listener PRIMARY KEY (id), 
	CONSTRAINT fk_listener_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_listener_token UNIQUE (token), 
	CONSTRAINT uq_listener_user_id UNIQUE (user_id)
);
CREATE TABLE lyrics (
	track_id INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_lyrics PRIMARY KEY (track_id), 
	CONSTRAINT fk_lyrics_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE match_decision (
	id INTEGER NOT NULL, 
	listener_id INTEGER NOT NULL, 
	"key" BIGINT NOT NULL, 
	"group" VARCHAR(200) NOT NULL, 
	title VARCHAR(500) NOT NULL, 
	artists VARCHAR(500) NOT NULL, 
	candidates JSON NOT NULL, 
	state VARCHAR(10) DEFAULT 'open' NOT NULL, 
	track_id INTEGER, 
	applied JSON NOT NULL, 
	decided_at DATETIME, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_match_decision PRIMARY KEY (id), 
	CONSTRAINT ck_match_decision_state CHECK (state in ('open', 'matched', 'none')), 
	CONSTRAINT fk_match_decision_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_match_decision_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE SET NULL
);
CREATE TABLE match_key (
	track_id INTEGER NOT NULL, 
	"key" BIGINT, 
	duration_ms INTEGER, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_match_key PRIMARY KEY (track_id), 
	CONSTRAINT fk_match_key_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE mix (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	listener_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	number INTEGER DEFAULT '1' NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	comment VARCHAR(500) DEFAULT '' NOT NULL, 
	settings JSON NOT NULL, 
	size INTEGER DEFAULT '30' NOT NULL, 
	schedule VARCHAR(100) DEFAULT '' NOT NULL, 
	time_zone VARCHAR(60) DEFAULT 'UTC' NOT NULL, 
	made_at DATETIME, 
	next_at DATETIME, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_mix PRIMARY KEY (id), 
	CONSTRAINT ck_mix_kind CHECK (kind in ('because', 'new', 'daily', 'rediscover', 'mood', 'path', 'radio')), 
	CONSTRAINT fk_mix_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mix_public_id UNIQUE (public_id)
);
CREATE TABLE mix_track (
	mix_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	reason VARCHAR(500) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_mix_track PRIMARY KEY (mix_id, track_id), 
	CONSTRAINT fk_mix_track_mix_id_mix FOREIGN KEY(mix_id) REFERENCES mix (id) ON DELETE CASCADE, 
	CONSTRAINT fk_mix_track_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE music_server (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	url VARCHAR(500) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	allows_private BOOLEAN DEFAULT 0 NOT NULL, 
	software VARCHAR(60) DEFAULT '' NOT NULL, 
	version VARCHAR(60) DEFAULT '' NOT NULL, 
	scan JSON NOT NULL, 
	scanned_at DATETIME, 
	error VARCHAR(500), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_music_server PRIMARY KEY (id), 
	CONSTRAINT uq_music_server_name UNIQUE (name), 
	CONSTRAINT uq_music_server_public_id UNIQUE (public_id)
);
CREATE TABLE named_artist (
	id INTEGER NOT NULL, 
	"key" VARCHAR(600) NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	musicbrainz_id VARCHAR(36), 
	CONSTRAINT pk_named_artist PRIMARY KEY (id), 
	CONSTRAINT uq_named_artist_key UNIQUE ("key")
);
CREATE TABLE "pending_like" (
	id INTEGER NOT NULL, 
	listener_id INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	playlist VARCHAR(200) NOT NULL, 
	external_id VARCHAR(200) NOT NULL, 
	title VARCHAR(500) NOT NULL, 
	artists VARCHAR(500) NOT NULL, 
	weight INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	playlist_id INTEGER, 
	ids JSON, 
	path VARCHAR(1000) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_pending_like PRIMARY KEY (id), 
	CONSTRAINT fk_pending_like_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_pending_like_playlist_id_playlist FOREIGN KEY(playlist_id) REFERENCES playlist (id) ON DELETE CASCADE
);
CREATE TABLE play_queue (
	listener_id INTEGER NOT NULL, 
	tracks JSON NOT NULL, 
	current INTEGER DEFAULT '0' NOT NULL, 
	position_ms INTEGER DEFAULT '0' NOT NULL, 
	changed_at DATETIME NOT NULL, 
	changed_by VARCHAR(100) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_play_queue PRIMARY KEY (listener_id), 
	CONSTRAINT fk_play_queue_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE
);
CREATE TABLE playback (
	device_id INTEGER NOT NULL, 
	client VARCHAR(100) NOT NULL, 
	listener_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	position_ms INTEGER NOT NULL, 
	rate DOUBLE NOT NULL, 
	reports_position BOOLEAN NOT NULL, 
	is_counted BOOLEAN NOT NULL, 
	started_at DATETIME NOT NULL, 
	reported_at DATETIME NOT NULL, 
	CONSTRAINT pk_playback PRIMARY KEY (device_id, client), 
	CONSTRAINT ck_playback_state CHECK (state in ('starting', 'playing', 'paused', 'stopped')), 
	CONSTRAINT fk_playback_device_id_app_password FOREIGN KEY(device_id) REFERENCES app_password (id) ON DELETE CASCADE, 
	CONSTRAINT fk_playback_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_playback_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE playlist (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	listener_id INTEGER, 
	external_id VARCHAR(100), 
	name VARCHAR(200) NOT NULL, 
	description VARCHAR(500) NOT NULL, 
	created_at DATETIME NOT NULL, stream_salt VARCHAR(32), share_salt VARCHAR(32), changed_at DATETIME, 
	CONSTRAINT pk_playlist PRIMARY KEY (id), 
	CONSTRAINT fk_playlist_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT uq_playlist_external_id UNIQUE (external_id), 
	CONSTRAINT uq_playlist_public_id UNIQUE (public_id)
);
CREATE TABLE playlist_track (
	playlist_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_playlist_track PRIMARY KEY (playlist_id, track_id), 
	CONSTRAINT fk_playlist_track_playlist_id_playlist FOREIGN KEY(playlist_id) REFERENCES playlist (id) ON DELETE CASCADE, 
	CONSTRAINT fk_playlist_track_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE publication (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	published_at DATETIME NOT NULL, 
	CONSTRAINT pk_publication PRIMARY KEY (id), 
	CONSTRAINT ck_publication_single_row CHECK (id = 1), 
	CONSTRAINT fk_publication_run_id_run FOREIGN KEY(run_id) REFERENCES run (id)
);
CREATE TABLE rate_limit (
	"key" VARCHAR(300) NOT NULL, 
	count INTEGER NOT NULL, 
	expires DOUBLE NOT NULL, 
	CONSTRAINT pk_rate_limit PRIMARY KEY ("key")
);
CREATE TABLE reaction (
	listener_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	value INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, weight INTEGER DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_reaction PRIMARY KEY (listener_id, track_id), 
	CONSTRAINT ck_reaction_value CHECK (value in (-1, 1)), 
	CONSTRAINT fk_reaction_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_reaction_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE recommendation_rule (
	id INTEGER NOT NULL, 
	listener_id INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	value VARCHAR(600) NOT NULL, 
	label VARCHAR(300) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_recommendation_rule PRIMARY KEY (id), 
	CONSTRAINT fk_recommendation_rule_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE
);
CREATE TABLE removed_track (
	track_id INTEGER NOT NULL, 
	removed_at DATETIME NOT NULL, 
	CONSTRAINT pk_removed_track PRIMARY KEY (track_id)
);
CREATE TABLE run (
	id INTEGER NOT NULL, 
	public_id VARCHAR(40) NOT NULL, 
	created_at DATETIME NOT NULL, 
	feature_set VARCHAR(100) NOT NULL, 
	representation VARCHAR(50) NOT NULL, 
	clustering VARCHAR(50) NOT NULL, 
	projection VARCHAR(50) NOT NULL, 
	seed INTEGER NOT NULL, 
	track_count INTEGER NOT NULL, 
	cluster_count INTEGER NOT NULL, 
	data_fingerprint VARCHAR(64) NOT NULL, 
	parameters JSON NOT NULL, 
	metrics JSON NOT NULL, 
	seconds JSON NOT NULL, name VARCHAR(100), 
	CONSTRAINT pk_run PRIMARY KEY (id), 
	CONSTRAINT uq_run_public_id UNIQUE (public_id)
);
CREATE TABLE security_event (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	user_id INTEGER, 
	actor_id INTEGER, 
	address VARCHAR(45), 
	request_id VARCHAR(64), 
	detail VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_security_event PRIMARY KEY (id), 
	CONSTRAINT fk_security_event_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_security_event_actor_id_user FOREIGN KEY(actor_id) REFERENCES user (id) ON DELETE SET NULL
);
CREATE TABLE server_account (
	id INTEGER NOT NULL, 
	server_id INTEGER NOT NULL, 
	listener_id INTEGER NOT NULL, 
	username VARCHAR(200) NOT NULL, 
	secret VARCHAR(1000) NOT NULL, 
	secret_kind VARCHAR(10) NOT NULL, 
	sends_likes BOOLEAN DEFAULT 0 NOT NULL, 
	sends_mixes BOOLEAN DEFAULT 1 NOT NULL, 
	learns_removals BOOLEAN DEFAULT 0 NOT NULL, 
	sync JSON NOT NULL, 
	synced_at DATETIME, 
	error VARCHAR(500), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_server_account PRIMARY KEY (id), 
	CONSTRAINT ck_server_account_secret_kind CHECK (secret_kind in ('password', 'api_key')), 
	CONSTRAINT fk_server_account_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_server_account_server_id_music_server FOREIGN KEY(server_id) REFERENCES music_server (id) ON DELETE CASCADE
);
CREATE TABLE server_opinion (
	account_id INTEGER NOT NULL, 
	server_track_id INTEGER NOT NULL, 
	starred_at DATETIME, 
	rating INTEGER, 
	play_count INTEGER DEFAULT '0' NOT NULL, 
	played_at DATETIME, is_rating_sent BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_server_opinion PRIMARY KEY (account_id, server_track_id), 
	CONSTRAINT fk_server_opinion_account_id_server_account FOREIGN KEY(account_id) REFERENCES server_account (id) ON DELETE CASCADE, 
	CONSTRAINT fk_server_opinion_server_track_id_server_track FOREIGN KEY(server_track_id) REFERENCES server_track (id) ON DELETE CASCADE
);
CREATE TABLE server_playlist (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	remote_id VARCHAR(200) NOT NULL, 
	mix_id INTEGER, 
	playlist_id INTEGER, 
	is_own BOOLEAN DEFAULT 0 NOT NULL, 
	name VARCHAR(300) NOT NULL, 
	written JSON NOT NULL, 
	changed VARCHAR(60) DEFAULT '' NOT NULL, 
	synced_at DATETIME, sent JSON DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_server_playlist PRIMARY KEY (id), 
	CONSTRAINT fk_server_playlist_account_id_server_account FOREIGN KEY(account_id) REFERENCES server_account (id) ON DELETE CASCADE, 
	CONSTRAINT fk_server_playlist_mix_id_mix FOREIGN KEY(mix_id) REFERENCES mix (id) ON DELETE SET NULL, 
	CONSTRAINT fk_server_playlist_playlist_id_playlist FOREIGN KEY(playlist_id) REFERENCES playlist (id) ON DELETE SET NULL
);
CREATE TABLE server_track (
	id INTEGER NOT NULL, 
	server_id INTEGER NOT NULL, 
	remote_id VARCHAR(200) NOT NULL, 
	track_id INTEGER, 
	remote_album_id VARCHAR(200) NOT NULL, 
	remote_artist_id VARCHAR(200) NOT NULL, 
	path VARCHAR(1000) NOT NULL, 
	title VARCHAR(500) NOT NULL, 
	artists VARCHAR(500) NOT NULL, 
	album VARCHAR(500) NOT NULL, 
	duration_s DOUBLE, 
	size INTEGER, 
	suffix VARCHAR(20) NOT NULL, 
	musicbrainz_id VARCHAR(36), 
	isrc VARCHAR(20), 
	scan_mark VARCHAR(32) NOT NULL, 
	gone_at DATETIME, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_server_track PRIMARY KEY (id), 
	CONSTRAINT fk_server_track_server_id_music_server FOREIGN KEY(server_id) REFERENCES music_server (id) ON DELETE CASCADE, 
	CONSTRAINT fk_server_track_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE SET NULL
);
CREATE TABLE skip (
	listener_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	times INTEGER NOT NULL, 
	last_at DATETIME NOT NULL, 
	CONSTRAINT pk_skip PRIMARY KEY (listener_id, track_id), 
	CONSTRAINT fk_skip_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_skip_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE "tag" (id INTEGER NOT NULL, kind VARCHAR(20) NOT NULL, name VARCHAR(200) NOT NULL, search_terms TEXT DEFAULT '' NOT NULL, CONSTRAINT pk_tag PRIMARY KEY (id), CONSTRAINT ck_tag_kind CHECK (kind in ('genre', 'emotion', 'subgenre', 'tag', 'language')));
CREATE TABLE track (
	id INTEGER NOT NULL, 
	public_id VARCHAR(16) NOT NULL, 
	source_key VARCHAR(80) NOT NULL, 
	external_id VARCHAR(100), 
	source VARCHAR(100) NOT NULL, 
	fingerprint VARCHAR(32) NOT NULL, 
	song_key BIGINT NOT NULL, 
	title VARCHAR(500) NOT NULL, 
	artists VARCHAR(500) NOT NULL, 
	sort_title VARCHAR(80) NOT NULL, 
	sort_artists VARCHAR(80) NOT NULL, 
	year INTEGER, 
	duration_ms INTEGER, 
	"key" INTEGER, 
	mode INTEGER, 
	time_signature INTEGER, 
	ingest_mark VARCHAR(32), 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, album_id INTEGER CONSTRAINT fk_track_album_id_album REFERENCES album (id) ON DELETE SET NULL, search_terms TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_track PRIMARY KEY (id), 
	CONSTRAINT uq_track_public_id UNIQUE (public_id), 
	CONSTRAINT uq_track_source_key UNIQUE (source_key)
);
CREATE TABLE track_alias (
	id INTEGER NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	track_id INTEGER NOT NULL, 
	CONSTRAINT pk_track_alias PRIMARY KEY (id), 
	CONSTRAINT fk_track_alias_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE, 
	CONSTRAINT uq_track_alias_key UNIQUE ("key")
);
CREATE TABLE track_artist (
	track_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	artist_id INTEGER NOT NULL, 
	role VARCHAR(10) NOT NULL, 
	joiner VARCHAR(40) NOT NULL, 
	credited_as VARCHAR(500), 
	CONSTRAINT pk_track_artist PRIMARY KEY (track_id, position), 
	CONSTRAINT ck_track_artist_role CHECK (role in ('main', 'featured')), 
	CONSTRAINT fk_track_artist_artist_id_artist FOREIGN KEY(artist_id) REFERENCES artist (id) ON DELETE CASCADE, 
	CONSTRAINT fk_track_artist_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE track_attributes (
	track_id INTEGER NOT NULL, 
	variance DOUBLE, 
	tempo DOUBLE, 
	loudness DOUBLE, 
	explicit DOUBLE, 
	popularity DOUBLE, 
	energy DOUBLE, 
	danceability DOUBLE, 
	positiveness DOUBLE, 
	speechiness DOUBLE, 
	liveness DOUBLE, 
	acousticness DOUBLE, 
	instrumentalness DOUBLE, 
	CONSTRAINT pk_track_attributes PRIMARY KEY (track_id), 
	CONSTRAINT fk_track_attributes_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE track_merge (
	id INTEGER NOT NULL, 
	survivor_id INTEGER NOT NULL, 
	merged_id INTEGER NOT NULL, 
	merged_public_id VARCHAR(16) NOT NULL, 
	merged_source_key VARCHAR(80) NOT NULL, 
	merged_external_id VARCHAR(100), 
	title VARCHAR(500) NOT NULL, 
	artists VARCHAR(500) NOT NULL, 
	"before" JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	undone_at DATETIME, batch VARCHAR(16), 
	CONSTRAINT pk_track_merge PRIMARY KEY (id)
);
CREATE TABLE track_rating (
	listener_id INTEGER NOT NULL, 
	track_id INTEGER NOT NULL, 
	rating INTEGER NOT NULL, 
	made_reaction BOOLEAN DEFAULT 0 NOT NULL, 
	rated_at DATETIME NOT NULL, 
	CONSTRAINT pk_track_rating PRIMARY KEY (listener_id, track_id), 
	CONSTRAINT ck_track_rating_rating CHECK (rating between 1 and 5), 
	CONSTRAINT fk_track_rating_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_track_rating_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE VIRTUAL TABLE track_search USING fts5(terms, content='track_terms', content_rowid='id', tokenize='ascii', prefix='1 2 3 4 5', detail='none');
CREATE TABLE track_tag (
	track_id INTEGER NOT NULL, 
	tag_id INTEGER NOT NULL, 
	CONSTRAINT pk_track_tag PRIMARY KEY (track_id, tag_id), 
	CONSTRAINT fk_track_tag_tag_id_tag FOREIGN KEY(tag_id) REFERENCES tag (id) ON DELETE CASCADE, 
	CONSTRAINT fk_track_tag_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE track_words (
	track_id INTEGER NOT NULL, 
	digest VARCHAR(32) NOT NULL, 
	title TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	words TEXT NOT NULL, 
	language VARCHAR(40), 
	CONSTRAINT pk_track_words PRIMARY KEY (track_id), 
	CONSTRAINT fk_track_words_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE CASCADE
);
CREATE TABLE upload (
	id INTEGER NOT NULL, 
	public_id VARCHAR(32) NOT NULL, 
	listener_id INTEGER, 
	job_id INTEGER, 
	track_id INTEGER, 
	name VARCHAR(300) NOT NULL, 
	path TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	kept BOOLEAN NOT NULL, 
	result JSON, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, keep_state VARCHAR(12), derived_size INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_upload PRIMARY KEY (id), 
	CONSTRAINT fk_upload_job_id_job FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE SET NULL, 
	CONSTRAINT fk_upload_listener_id_listener FOREIGN KEY(listener_id) REFERENCES listener (id) ON DELETE CASCADE, 
	CONSTRAINT fk_upload_track_id_track FOREIGN KEY(track_id) REFERENCES track (id) ON DELETE SET NULL, 
	CONSTRAINT uq_upload_public_id UNIQUE (public_id)
);
CREATE TABLE user (
	id INTEGER NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	name_key VARCHAR(60) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	session_key VARCHAR(64) NOT NULL, 
	is_admin BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, shares_playlists BOOLEAN DEFAULT 0 NOT NULL, shares_listening BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_user PRIMARY KEY (id), 
	CONSTRAINT uq_user_name_key UNIQUE (name_key), 
	CONSTRAINT uq_user_session_key UNIQUE (session_key)
);
CREATE TABLE user_session (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	device VARCHAR(60) NOT NULL, 
	address VARCHAR(45) NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_user_session PRIMARY KEY (id), 
	CONSTRAINT fk_user_session_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_user_session_token_hash UNIQUE (token_hash)
);
CREATE VIRTUAL TABLE words_search USING fts5(title, tags, words, content='track_words', content_rowid='track_id', tokenize='porter unicode61 remove_diacritics 2');
CREATE TABLE worker (
	name VARCHAR(40) NOT NULL, 
	host VARCHAR(120) NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_worker PRIMARY KEY (name)
);
CREATE VIEW track_terms AS SELECT track.id AS id, track.search_terms || ' ' || coalesce(album.search_terms, '') || ' ' || coalesce((SELECT group_concat(terms, ' ') FROM (SELECT tag.search_terms AS terms FROM track_tag JOIN tag ON tag.id = track_tag.tag_id WHERE track_tag.track_id = track.id AND tag.kind = 'genre' ORDER BY tag.id)), '') AS terms FROM track LEFT JOIN album ON album.id = track.album_id;
CREATE INDEX ix_album_artist_id ON album (artist_id);
CREATE INDEX ix_album_opinion_album_id ON album_opinion (album_id);
CREATE INDEX ix_api_token_user_id ON api_token (user_id);
CREATE INDEX ix_app_password_user_id ON app_password (user_id);
CREATE INDEX ix_artist_affinity_artist_id ON artist_affinity (artist_id);
CREATE INDEX ix_artist_opinion_artist_id ON artist_opinion (artist_id);
CREATE INDEX ix_audio_file_content_hash ON audio_file (content_hash);
CREATE INDEX ix_audio_file_kept_by_id ON audio_file (kept_by_id);
CREATE INDEX ix_audio_file_root_state ON audio_file (root, state);
CREATE INDEX ix_audio_file_track_id ON audio_file (track_id);
CREATE INDEX ix_audio_file_updated_at ON audio_file (updated_at);
CREATE INDEX ix_bookmark_track_id ON bookmark (track_id);
CREATE INDEX ix_cluster_assignment_track_id ON cluster_assignment (track_id);
CREATE INDEX ix_cluster_assignment_typical ON cluster_assignment (run_id, label, confidence, track_id);
CREATE INDEX ix_duplicate_group_id ON duplicate (group_id);
CREATE INDEX ix_duplicate_second_id ON duplicate (second_id);
CREATE INDEX ix_imported_features_feature_set ON imported_features (feature_set);
CREATE INDEX ix_invitation_creator_id ON invitation (creator_id);
CREATE INDEX ix_invitation_user_id ON invitation (user_id);
CREATE INDEX ix_job_listener_id ON job (listener_id);
CREATE INDEX ix_job_owner_key_started_at ON job (owner_key, started_at);
CREATE INDEX ix_job_state_priority ON job (state, priority);
CREATE INDEX ix_listen_listener_id_played_at ON listen (listener_id, played_at);
CREATE INDEX ix_listen_track_id ON listen (track_id);
CREATE INDEX ix_match_decision_listener_id_state_group ON match_decision (listener_id, state, "group");
CREATE INDEX ix_match_decision_track_id ON match_decision (track_id);
CREATE INDEX ix_match_key_key ON match_key ("key", track_id, duration_ms);
CREATE INDEX ix_match_key_seen_at ON match_key (seen_at);
CREATE INDEX ix_mix_next_at ON mix (next_at);
CREATE INDEX ix_mix_track_track_id ON mix_track (track_id);
CREATE INDEX ix_pending_like_listener_id ON pending_like (listener_id);
CREATE INDEX ix_pending_like_playlist_id ON pending_like (playlist_id);
CREATE INDEX ix_playback_listener_id ON playback (listener_id);
CREATE INDEX ix_playback_track_id ON playback (track_id);
CREATE INDEX ix_playlist_listener_id ON playlist (listener_id);
CREATE INDEX ix_playlist_track_track_id ON playlist_track (track_id);
CREATE INDEX ix_reaction_track_id ON reaction (track_id);
CREATE INDEX ix_security_event_actor_id ON security_event (actor_id);
CREATE INDEX ix_security_event_at ON security_event (at);
CREATE INDEX ix_security_event_kind_id ON security_event (kind, id);
CREATE INDEX ix_security_event_user_id ON security_event (user_id);
CREATE INDEX ix_server_account_listener_id ON server_account (listener_id);
CREATE INDEX ix_server_opinion_server_track_id ON server_opinion (server_track_id);
CREATE INDEX ix_server_playlist_mix_id ON server_playlist (mix_id);
CREATE INDEX ix_server_playlist_playlist_id ON server_playlist (playlist_id);
CREATE INDEX ix_server_track_server_id_remote_album_id ON server_track (server_id, remote_album_id);
CREATE INDEX ix_server_track_server_id_remote_artist_id ON server_track (server_id, remote_artist_id);
CREATE INDEX ix_server_track_track_id ON server_track (track_id);
CREATE INDEX ix_skip_track_id ON skip (track_id);
CREATE INDEX ix_track_album_id ON track (album_id);
CREATE INDEX ix_track_alias_track_id ON track_alias (track_id);
CREATE INDEX ix_track_artist_artist_id_track_id ON track_artist (artist_id, track_id);
CREATE INDEX ix_track_attributes_danceability ON track_attributes (danceability);
CREATE INDEX ix_track_attributes_energy ON track_attributes (energy);
CREATE INDEX ix_track_attributes_popularity ON track_attributes (popularity);
CREATE INDEX ix_track_attributes_positiveness ON track_attributes (positiveness);
CREATE INDEX ix_track_attributes_tempo ON track_attributes (tempo);
CREATE INDEX ix_track_external_id ON track (external_id);
CREATE INDEX ix_track_merge_batch ON track_merge (batch);
CREATE INDEX ix_track_merge_merged_external_id ON track_merge (merged_external_id);
CREATE INDEX ix_track_merge_merged_id ON track_merge (merged_id);
CREATE INDEX ix_track_merge_merged_public_id ON track_merge (merged_public_id);
CREATE INDEX ix_track_merge_merged_source_key ON track_merge (merged_source_key);
CREATE INDEX ix_track_merge_survivor_id ON track_merge (survivor_id);
CREATE INDEX ix_track_rating_track_id ON track_rating (track_id);
CREATE INDEX ix_track_song_key ON track (song_key);
CREATE INDEX ix_track_sort_artists_id ON track (sort_artists, id);
CREATE INDEX ix_track_sort_title_id ON track (sort_title, id);
CREATE INDEX ix_track_tag_tag_id_track_id ON track_tag (tag_id, track_id);
CREATE INDEX ix_track_updated_at ON track (updated_at);
CREATE INDEX ix_track_year_id ON track (year, id);
CREATE INDEX ix_upload_expires_at ON upload (expires_at);
CREATE INDEX ix_upload_listener_id ON upload (listener_id);
CREATE INDEX ix_user_session_expires_at ON user_session (expires_at);
CREATE INDEX ix_user_session_user_id ON user_session (user_id);
CREATE UNIQUE INDEX uq_audio_file_path_part ON audio_file (path, part);
CREATE UNIQUE INDEX uq_cluster_run_id_number ON cluster (run_id, number);
CREATE UNIQUE INDEX uq_feature_vector_content_hash_feature_set_version_digest ON feature_vector (content_hash, feature_set, version, digest);
CREATE UNIQUE INDEX uq_job_exclusive_key_running ON job (exclusive_key) WHERE state = 'running';
CREATE UNIQUE INDEX uq_job_request_key_active ON job (request_key) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX uq_listen_listener_id_key ON listen (listener_id, "key");
CREATE UNIQUE INDEX uq_match_decision_listener_id_key ON match_decision (listener_id, "key");
CREATE UNIQUE INDEX uq_mix_listener_id_kind_number ON mix (listener_id, kind, number);
CREATE UNIQUE INDEX uq_recommendation_rule_listener_id_kind_value ON recommendation_rule (listener_id, kind, value);
CREATE UNIQUE INDEX uq_server_account_server_id_listener_id ON server_account (server_id, listener_id);
CREATE UNIQUE INDEX uq_server_playlist_account_id_remote_id ON server_playlist (account_id, remote_id);
CREATE UNIQUE INDEX uq_server_track_server_id_remote_id ON server_track (server_id, remote_id);
CREATE UNIQUE INDEX uq_tag_kind_name ON tag (kind, name);
CREATE TRIGGER track_search_delete BEFORE DELETE ON track BEGIN INSERT INTO track_search(track_search, rowid, terms) SELECT 'delete', id, terms FROM track_terms WHERE id = old.id; END;
CREATE TRIGGER track_search_forget BEFORE UPDATE OF search_terms, album_id ON track BEGIN INSERT INTO track_search(track_search, rowid, terms) SELECT 'delete', id, terms FROM track_terms WHERE id = old.id; END;
CREATE TRIGGER track_search_insert AFTER INSERT ON track BEGIN INSERT INTO track_search(rowid, terms) SELECT id, terms FROM track_terms WHERE id = new.id; END;
CREATE TRIGGER track_search_tag_goes BEFORE DELETE ON track_tag WHEN (SELECT kind FROM tag WHERE id = old.tag_id) = 'genre' BEGIN INSERT INTO track_search(track_search, rowid, terms) SELECT 'delete', id, terms FROM track_terms WHERE id = old.track_id; END;
CREATE TRIGGER track_search_tag_gone AFTER DELETE ON track_tag WHEN (SELECT kind FROM tag WHERE id = old.tag_id) = 'genre' BEGIN INSERT INTO track_search(rowid, terms) SELECT id, terms FROM track_terms WHERE id = old.track_id; END;
CREATE TRIGGER track_search_tagged AFTER INSERT ON track_tag WHEN (SELECT kind FROM tag WHERE id = new.tag_id) = 'genre' BEGIN INSERT INTO track_search(rowid, terms) SELECT id, terms FROM track_terms WHERE id = new.track_id; END;
CREATE TRIGGER track_search_untagged BEFORE INSERT ON track_tag WHEN (SELECT kind FROM tag WHERE id = new.tag_id) = 'genre' BEGIN INSERT INTO track_search(track_search, rowid, terms) SELECT 'delete', id, terms FROM track_terms WHERE id = new.track_id; END;
CREATE TRIGGER track_search_update AFTER UPDATE OF search_terms, album_id ON track BEGIN INSERT INTO track_search(rowid, terms) SELECT id, terms FROM track_terms WHERE id = new.id; END;
CREATE TRIGGER words_search_delete AFTER DELETE ON track_words BEGIN INSERT INTO words_search(words_search, rowid, title, tags, words) VALUES ('delete', old.track_id, old.title, old.tags, old.words); END;
CREATE TRIGGER words_search_insert AFTER INSERT ON track_words BEGIN INSERT INTO words_search(rowid, title, tags, words) VALUES (new.track_id, new.title, new.tags, new.words); END;
CREATE TRIGGER words_search_update AFTER UPDATE ON track_words BEGIN INSERT INTO words_search(words_search, rowid, title, tags, words) VALUES ('delete', old.track_id, old.title, old.tags, old.words); INSERT INTO words_search(rowid, title, tags, words) VALUES (new.track_id, new.title, new.tags, new.words); END;
INSERT INTO alembic_version VALUES ('0035');
