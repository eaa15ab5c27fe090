// Moves a one-time code from behind the # of the address into its field, and out of the address bar and the history.
const field = document.querySelector("[data-from-fragment]");
const code = window.location.hash.slice(1);
if (field && code) {
  field.value = code;
  window.history.replaceState(null, "", window.location.pathname);
}
