/* What JavaScript adds to pages that work without it: menus that close, dialogs in place, choices that send themselves, files to drop. */

const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.Menu[open]")) {
    if (menu !== except) menu.open = false;
  }
};

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.Menu"));

  const opener = event.target.closest("[data-dialog-open]");
  const dialog = opener && document.getElementById(opener.dataset.dialogOpen);
  // A click that asks for another tab or window is left alone: the link leads to the page that asks the same.
  if (dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialog.showModal();
  }

  const closer = event.target.closest("[data-dialog-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }

  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier);
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest("details.Menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

const copy = async (button) => {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.parentElement.querySelector("[data-copy-status]").textContent = button.dataset.copied;
  button.classList.add("is-copied");
};

const prepareChoice = (form) => {
  const select = form.querySelector("select");
  const button = form.querySelector("button");
  button.hidden = true;
  // Arrow keys change a closed select with every press; whoever uses them decides with the button.
  select.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") button.hidden = false;
  });
  select.addEventListener("change", () => {
    if (button.hidden) form.requestSubmit();
  });
};

// The box above a list checks all of its boxes, and is unchecked with the first of them.
const prepareCheckAll = (all) => {
  const boxes = [...all.form.querySelectorAll(`input[type=checkbox][name="${all.dataset.checkAll}"]`)];
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
  boxes.forEach((box) => box.addEventListener("change", () => { all.checked = boxes.every((one) => one.checked); }));
};

const prepareDropBox = (box) => {
  const input = box.querySelector("input[type=file]");
  const over = (is) => (event) => {
    event.preventDefault();
    box.classList.toggle("is-over", is);
  };
  box.addEventListener("dragover", over(true));
  box.addEventListener("dragleave", over(false));
  box.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
};

const prepare = (root) => {
  root.querySelectorAll("[data-copy][hidden]").forEach((button) => { button.hidden = !navigator.clipboard; });
  root.querySelectorAll("form[data-submit-on-choice]:not([data-ready])").forEach((form) => {
    form.dataset.ready = "";
    prepareChoice(form);
  });
  root.querySelectorAll("[data-check-all]:not([data-ready])").forEach((all) => {
    all.dataset.ready = "";
    prepareCheckAll(all);
  });
  root.querySelectorAll("[data-drop]:not([data-ready])").forEach((box) => {
    box.dataset.ready = "";
    prepareDropBox(box);
  });
};

document.documentElement.classList.add("has-script");
prepare(document);
document.addEventListener("htmx:load", (event) => prepare(event.target));
