// Keeps a job's page up to date while the job waits or runs, then loads the page with its result.
(() => {
  const one = (name) => document.querySelector(`[data-${name}]`);
  const say = (name, text) => {
    const element = one(name);
    if (element && element.textContent !== text) element.textContent = text;
  };
  let panel = null;
  let announced = -1;
  let failures = 0;

  function draw(curve) {
    const figure = one("curve");
    if (!curve || !figure) return;
    figure.hidden = false;
    one("curve-loss").setAttribute("points", curve.loss);
    one("curve-val").setAttribute("points", curve.val_loss);
    drawTicks(document.querySelectorAll("[data-curve-tick]"), curve);
    say("curve-first", String(curve.first_epoch));
    say("curve-last", `epoch ${curve.last_epoch}`);
    say("curve-last-loss", curve.last_loss);
    say("curve-last-val", curve.last_val_loss);
    say("curve-text", `Training loss ${curve.last_loss} after epoch ${curve.last_epoch}.`);
  }

  function drawTicks(groups, curve) {
    groups.forEach((group, index) => {
      const [y, text] = curve.ticks[index];
      const line = group.querySelector("line");
      const label = group.querySelector("text");
      line.setAttribute("y1", y);
      line.setAttribute("y2", y);
      label.setAttribute("y", y + 4);
      label.textContent = text;
    });
  }

  // Which parts a loss has is known with its first epochs.
  function drawParts(parts) {
    const section = one("parts");
    if (!section || !parts.length) return;
    section.hidden = false;
    for (const part of parts) {
      let figure = section.querySelector(`[data-part="${CSS.escape(part.name)}"]`);
      if (!figure) {
        figure = section.querySelector("template").content.firstElementChild.cloneNode(true);
        figure.dataset.part = part.name;
        figure.querySelector("[data-name]").textContent = part.name[0].toUpperCase() + part.name.slice(1);
        section.querySelector(".report-pictures").append(figure);
      }
      const held = part.last_val_loss ? `, ${part.last_val_loss} on held-out songs` : "";
      figure.querySelector("svg").setAttribute("aria-label", `${part.name} per epoch: ${part.last_loss} now${held}`);
      figure.querySelector(".line").setAttribute("points", part.loss);
      figure.querySelector(".line-2").setAttribute("points", part.val_loss);
      drawTicks(figure.querySelectorAll("svg g"), part);
      figure.querySelector("[data-first]").textContent = part.first_epoch;
      figure.querySelector("[data-last]").textContent = `epoch ${part.last_epoch}`;
      figure.querySelector("[data-loss]").textContent = part.last_loss;
      const val = figure.querySelector("[data-val]");
      val.textContent = part.last_val_loss;
      val.parentElement.hidden = !part.last_val_loss;
    }
  }

  function show(job) {
    const percent = Math.round(job.progress * 100);
    one("job-progress").value = job.progress;
    say("job-percent", `${percent}%`);
    say("job-message", job.message);
    say("job-note", job.note);
    say("job-word", job.word);
    const log = one("job-log");
    if (job.log && log.textContent !== job.log) {
      const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
      log.textContent = job.log;
      if (atEnd) log.scrollTop = log.scrollHeight;
    }
    draw(job.curve);
    drawParts(job.parts);
    // A screen reader hears every quarter, not every second.
    const quarter = Math.floor(percent / 25);
    if (quarter !== announced) {
      announced = quarter;
      say("announce", `${percent}%, ${job.message}`);
    }
  }

  async function poll(mine) {
    if (mine !== panel || !mine.isConnected) return;
    try {
      const answer = await fetch(mine.dataset.job, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const job = await answer.json();
      if (!mine.isConnected) return;
      failures = 0;
      if (!job.active) {
        window.songrecBrowse.reload();
        return;
      }
      show(job);
    } catch {
      failures += 1;
      if (failures === 3) say("job-note", "The server does not answer. Trying again.");
    }
    window.setTimeout(() => poll(mine), failures ? Math.min(1000 * 2 ** failures, 15000) : 1000);
  }

  const watch = () => {
    const place = document.querySelector("[data-job]");
    if (!place || place === panel) return;
    panel = place;
    announced = -1;
    failures = 0;
    window.setTimeout(() => poll(place), 500);
  };
  document.addEventListener("pagechange", watch);
  watch();
})();
