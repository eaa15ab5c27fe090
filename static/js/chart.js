/* Draws figures of templates/components/chart.html: a line per series, a name per line that hides it, a day that arrow keys move. */

const DAY = 86400;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;
const HEIGHT = 240;
const DAYS_APART = [DAY, 2 * DAY, 5 * DAY, 10 * DAY, 15 * DAY, MONTH, 2 * MONTH, 3 * MONTH, 6 * MONTH, YEAR, 2 * YEAR];
const COUNTS_APART = [1, 2, 5].flatMap((step) => [step, step * 10, step * 1e2, step * 1e3, step * 1e4, step * 1e5, step * 1e6]).sort((a, b) => a - b);
const DASHES = { purchased: [8, 5], apart: [2, 4], added: [8, 5] };

const language = document.documentElement.lang;
const number = new Intl.NumberFormat(language);
const format = (options) => new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options });
const wholeDay = format({ dateStyle: "long" });
const shortDay = format({ day: "numeric", month: "short" });
const month = format({ month: "short", year: "numeric" });
const date = (seconds) => new Date(seconds * 1000);

// Asked for whenever something is drawn, so that a theme that changes is followed.
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--chart-${name}`).trim();

const options = (lines, width) => ({
  width,
  height: HEIGHT,
  legend: { show: false },
  cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
  tzDate: (seconds) => uPlot.tzDate(date(seconds), "Etc/UTC"),
  scales: { y: { range: (_plot, _low, high) => [0, Math.max(high, 1) * 1.05] } },
  axes: [
    {
      stroke: () => color("axis"),
      grid: { stroke: () => color("grid"), width: 1 },
      ticks: { stroke: () => color("grid"), width: 1 },
      incrs: DAYS_APART,
      space: 72,
      values: (_plot, splits, _axis, _space, step) => splits.map((at) => (step < MONTH ? shortDay : month).format(date(at))),
    },
    {
      stroke: () => color("axis"),
      grid: { stroke: () => color("grid"), width: 1 },
      ticks: { show: false },
      incrs: COUNTS_APART,
      size: (_plot, values) => 16 + 7 * Math.max(3, ...(values ?? []).map((value) => value.length)),
      values: (_plot, splits) => splits.map((count) => number.format(count)),
    },
  ],
  series: [
    {},
    ...lines.map(({ kind, label }) => ({
      label,
      stroke: () => color(kind),
      width: 2,
      dash: DASHES[kind],
      points: { show: false },
      paths: uPlot.paths.stepped({ align: 1 }),
    })),
  ],
});

const element = (name, className, parent, text = "") => {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
};

const keys = (figure, plot, lines, tell) => {
  const list = element("div", "Chart-keys", figure);
  lines.forEach(({ kind, label }, at) => {
    const key = element("button", `Chart-key Chart-key--${kind}`, list, label);
    key.type = "button";
    key.ariaPressed = "true";
    key.addEventListener("click", () => {
      const show = key.ariaPressed !== "true";
      key.ariaPressed = String(show);
      plot.setSeries(at + 1, { show });
      tell();
    });
  });
};

const draw = (figure) => {
  const { from, lines } = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  const first = Date.parse(from) / 1000;
  const days = lines[0].values.map((_value, at) => first + at * DAY);
  const last = days.length - 1;
  figure.hidden = false;

  const readout = element("figcaption", "Chart-readout", figure);
  const canvas = element("div", "Chart-canvas", figure);
  const plot = new uPlot(options(lines, canvas.clientWidth), [days, ...lines.map(({ values }) => values)], canvas);
  let day = last;
  const tell = () => {
    const shown = lines.filter((_line, at) => plot.series[at + 1].show);
    const words = [wholeDay.format(date(days[day])), ...shown.map(({ label, values }) => `${label} ${number.format(values[day])}`)];
    readout.textContent = words.join(" · ");
    canvas.ariaValueNow = String(day);
    canvas.ariaValueText = words.join(", ");
  };
  keys(figure, plot, lines, tell);

  canvas.tabIndex = 0;
  canvas.role = "slider";
  canvas.ariaLabel = figure.dataset.label;
  canvas.ariaValueMin = "0";
  canvas.ariaValueMax = String(last);
  const goTo = (wanted) => {
    day = Math.min(Math.max(wanted, 0), last);
    plot.setCursor({ left: plot.valToPos(days[day], "x"), top: 0 }, false);
    tell();
  };
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -last, End: last };
  canvas.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    goTo(day + step);
  });
  plot.over.addEventListener("mousemove", () => {
    day = plot.cursor.idx ?? last;
    tell();
  });
  plot.over.addEventListener("mouseleave", () => {
    day = last;
    tell();
  });
  tell();

  new ResizeObserver(() => plot.setSize({ width: canvas.clientWidth, height: HEIGHT })).observe(canvas);
  const redraw = () => plot.redraw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-color-mode"] });
};

document.querySelectorAll("[data-chart]").forEach(draw);
