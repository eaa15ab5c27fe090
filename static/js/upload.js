/* Sends a form with a file and shows how far it has come. Without JavaScript the browser sends it, and the answer is the same page. */

const prepareUpload = (form) => {
  const part = (name) => form.querySelector(`[data-upload-${name}]`);
  const bar = form.querySelector("progress");
  const text = form.querySelector(".Meter-text");
  const label = form.querySelector(".Meter-label");
  const sending = label.textContent;
  let request = null;

  const rest = (problem = "") => {
    request = null;
    part("progress").hidden = true;
    part("send").hidden = false;
    part("problem").hidden = !problem;
    part("problem").textContent = problem;
  };

  const show = (loaded, total) => {
    const percent = total ? Math.floor((100 * loaded) / total) : 0;
    bar.value = percent;
    text.textContent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" }).format(percent / 100);
  };

  // The answer to a file that is not taken is the page with its reason: it takes the place of this one.
  const draw = (html) => {
    const answer = new DOMParser().parseFromString(html, "text/html").querySelector("main");
    const main = document.querySelector("main");
    if (!answer) return rest(form.dataset.lost);
    main.replaceChildren(...answer.childNodes);
    main.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
    (main.querySelector("[aria-invalid=true]") ?? main).focus();
  };

  const arrive = () => {
    bar.removeAttribute("value");
    text.textContent = "";
    label.textContent = part("said").textContent = form.dataset.arrived;
    // What has arrived cannot be called back from here: its own page has a button for that.
    part("cancel").hidden = true;
  };

  const send = () => {
    request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => show(event.loaded, event.total));
    request.upload.addEventListener("load", arrive);
    request.addEventListener("error", () => rest(form.dataset.lost));
    request.addEventListener("load", () => {
      const there = request.responseURL;
      if (request.status < 400 && there) window.location.assign(there);
      else draw(request.responseText);
    });
    request.open("POST", form.action);
    part("problem").hidden = true;
    part("send").hidden = true;
    part("progress").hidden = false;
    part("cancel").hidden = false;
    label.textContent = part("said").textContent = sending;
    show(0, 1);
    request.send(new FormData(form));
  };

  part("cancel").addEventListener("click", () => {
    request?.abort();
    rest();
    form.querySelector("input[type=file]").focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (request) return;
    const [file] = form.querySelector("input[type=file]").files;
    if (file && file.size > Number(form.dataset.maxBytes)) rest(form.dataset.tooLarge);
    else send();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) rest();
  });
};

const prepare = (root) => {
  root.querySelectorAll("form[data-upload]:not([data-upload-ready])").forEach((form) => {
    form.dataset.uploadReady = "";
    prepareUpload(form);
  });
};

prepare(document);
document.addEventListener("htmx:load", (event) => prepare(event.target));
