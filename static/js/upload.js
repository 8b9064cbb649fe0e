// Dropping a song, showing how much of it is sent, and waiting for what is found.
"use strict";

(() => {
  const prepare = (form) => {
    const field = form.querySelector("input[type=file]");
    const bar = form.querySelector("[data-drop-progress]");
    const problem = form.querySelector("[data-drop-problem]");
    const button = form.querySelector("button");
    form.querySelector("[data-drop-hint]").hidden = false;

    const send = () => {
      const file = field.files[0];
      if (!file) return;
      problem.textContent = "";
      if (file.size > Number(form.dataset.most)) {
        problem.textContent = `${file.name} is larger than ${Math.round(form.dataset.most / 1048576)} MB.`;
        return;
      }
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "application/json");
      request.responseType = "json";
      request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
      const failed = (text) => {
        bar.hidden = true;
        button.disabled = false;
        problem.textContent = text;
      };
      request.onerror = () => failed("The song could not be sent. Try again.");
      request.onload = () => {
        if (!form.isConnected) return; // the listener is elsewhere by now
        if (request.status === 201) window.songrecBrowse.open(request.response.address);
        else failed(request.response?.message || "The song could not be sent. Try again.");
      };
      bar.hidden = false;
      button.disabled = true;
      request.send(new FormData(form));
    };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    for (const name of ["dragover", "dragenter"]) {
      form.addEventListener(name, (event) => {
        event.preventDefault();
        form.classList.add("over");
      });
    }
    form.addEventListener("dragleave", () => form.classList.remove("over"));
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      form.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      field.files = event.dataTransfer.files;
      send();
    });
  };

  let panel = null;
  let failures = 0;
  const poll = async (mine) => {
    if (mine !== panel || !mine.isConnected) return;
    try {
      const answer = await fetch(mine.dataset.uploadState, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const job = await answer.json();
      if (!mine.isConnected) return;
      failures = 0;
      if (!job.active) {
        window.songrecBrowse.reload();
        return;
      }
      mine.querySelector("[data-upload-progress]").value = job.progress;
      const message = mine.querySelector("[data-upload-message]");
      if (message.textContent !== job.message) message.textContent = job.message;
    } catch {
      failures += 1;
    }
    setTimeout(() => poll(mine), failures ? Math.min(1000 * 2 ** failures, 15000) : 700);
  };

  let prepared = null;
  const begin = () => {
    const form = document.querySelector("[data-drop]");
    if (form && form !== prepared) prepare(form);
    prepared = form;
    const place = document.querySelector("[data-upload-state]");
    if (!place || place === panel) return;
    panel = place;
    failures = 0;
    setTimeout(() => poll(place), 400);
  };
  document.addEventListener("pagechange", begin);
  begin();
})();
