// Draws the Vega-Lite figures of a page. Expressions are interpreted, never compiled (no eval), and no figure
// can load anything from anywhere.
import { View, loader, parse, Error as OnlyErrors } from "vega";
import { compile } from "vega-lite";
import { expressionInterpreter } from "vega-interpreter";
import { localeOf } from "./parts/locale.js";

const closed = loader();
closed.load = closed.sanitize = () => Promise.reject(new Error("A figure holds its own data."));

const config = {
  background: "transparent",
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif",
  axis: { labelColor: "#212b32", titleColor: "#212b32", labelFontSize: 13, titleFontSize: 13, titleFontWeight: 600,
    gridColor: "#d8dde0", domainColor: "#66757f", tickColor: "#66757f" },
  legend: { labelColor: "#212b32", titleColor: "#212b32", labelFontSize: 13, titleFontSize: 13, symbolType: "circle" },
  title: { color: "#212b32", fontSize: 15, anchor: "start" },
  header: { labelColor: "#212b32", titleColor: "#212b32", labelFontSize: 13 },
  view: { stroke: null },
  range: { category: ["#14505c", "#9a4f00", "#6b4c9a", "#00703c", "#b3170b", "#66757f"] },
};

export async function draw(picture) {
  picture.dataset.drawn = "no";
  try {
    const figure = JSON.parse(picture.dataset.spec);
    if (!figure.width && figure.mark || figure.layer) figure.width ??= "container";
    figure.autosize ??= { type: "fit-x", contains: "padding" };
    const { spec } = compile(figure, { config });
    const view = new View(parse(spec, undefined, { ast: true }), {
      expr: expressionInterpreter, renderer: "svg", container: picture, loader: closed, hover: true, logLevel: OnlyErrors,
      locale: localeOf(document.documentElement.lang || "en"),
    });
    await view.runAsync();
    const drawing = picture.querySelector("svg");
    drawing?.setAttribute("aria-hidden", "true"); // the picture has its words, and the table has the numbers
    drawing?.removeAttribute("role");
    picture.dataset.drawn = "yes";
    picture.closest(".app-chart")?.querySelector("details[data-close]")?.removeAttribute("open");
  } catch (error) {
    console.error(error); // the table beside it stays open
  }
}
