// Keeps lists of jobs up to date; when a job ends the page is loaded again, unless somebody types.
(() => {
  const INTERVAL = 3000;
  let rows = [];
  let timer = null;

  function show(row, job) {
    const say = (name, text) => {
      const element = row.querySelector(`[data-job-${name}]`);
      if (element && element.textContent !== text) element.textContent = text;
    };
    say("note", job.note);
    say("message", job.message);
    say("word", job.word);
    const bar = row.querySelector("[data-job-progress]");
    if (bar) bar.value = job.progress;
    return !bar && job.state === "running";
  }

  async function poll() {
    const mine = rows;
    let changed = false;
    try {
      for (const row of mine) {
        const answer = await fetch(row.dataset.jobRow, { headers: { Accept: "application/json" }, cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        const job = await answer.json();
        changed = show(row, job) || !job.active || changed;
      }
    } catch {
      changed = false; // the next round asks again
    }
    if (mine !== rows || !mine[0].isConnected) return;
    if (changed && !document.activeElement?.closest("form")) window.songrecBrowse.reload();
    else timer = window.setTimeout(poll, INTERVAL);
  }

  const watch = () => {
    window.clearTimeout(timer);
    rows = [...document.querySelectorAll("[data-job-row]")];
    if (rows.length) timer = window.setTimeout(poll, INTERVAL);
  };
  document.addEventListener("pagechange", watch);
  watch();
})();
