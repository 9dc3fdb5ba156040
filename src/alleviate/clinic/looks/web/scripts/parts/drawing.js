// Charts are heavy, so their script comes only to pages that have one.
export function drawCharts(root) {
  const pictures = root.querySelectorAll(".app-chart__picture[data-spec]:not([data-drawn])");
  if (!pictures.length) return;
  import(new URL("./charts.js", import.meta.url).href).then(({ draw }) => pictures.forEach(draw));
}
