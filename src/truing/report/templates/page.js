
"use strict";
// Figures in the page's colours, and tables that sort by a click on a column's head.
(function () {
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var config = {
    responsive: true,
    displaylogo: false,
    displayModeBar: false
  };

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function themed(layout) {
    var copy = JSON.parse(JSON.stringify(layout));
    copy.paper_bgcolor = copy.plot_bgcolor = "rgba(0,0,0,0)";
    copy.font = { color: colour("--ink"), family: "system-ui, sans-serif", size: 12 };
    copy.hoverlabel = { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink") } };
    ["xaxis", "yaxis"].forEach(function (axis) {
      copy[axis] = copy[axis] || {};
      copy[axis].gridcolor = colour("--line");
      copy[axis].linecolor = colour("--line");
      copy[axis].automargin = true;
    });
    return copy;
  }

  function draw() {
    document.querySelectorAll("[data-figure]").forEach(function (place) {
      var folded = place.closest("details");
      if (folded && !folded.open) { return; }                           // drawn when somebody opens it
      var figure = figures[Number(place.dataset.figure)];
      // the blue of the figures is too dark on a dark page
      var data = JSON.stringify(figure.data).replaceAll('"#0072b2"', JSON.stringify(colour("--mark")));
      Plotly.react(place, JSON.parse(data), themed(figure.layout), config);
    });
  }
  draw();
  document.querySelectorAll("details.figure").forEach(function (one) { one.addEventListener("toggle", draw); });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.figure").forEach(function (one) { one.open = true; });
    draw();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  function sort(table, column, button) {
    var body = table.tBodies[0];
    var down = button.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th").forEach(function (head) { head.removeAttribute("aria-sort"); });
    button.setAttribute("aria-sort", down ? "descending" : "ascending");
    var rows = Array.from(body.rows).map(function (row, place) {
      return { row: row, place: place, key: row.cells[column].dataset.key, failed: row.dataset.failed === "1" };
    });
    var numeric = rows.every(function (one) { return one.key === "" || !isNaN(Number(one.key)); });
    rows.sort(function (a, b) {
      if (a.failed !== b.failed) { return a.failed ? 1 : -1; }        // failed ones stay last either way
      if ((a.key === "") !== (b.key === "")) { return a.key === "" ? 1 : -1; }
      var order = numeric ? Number(a.key) - Number(b.key) : a.key.localeCompare(b.key);
      return (down ? -order : order) || a.place - b.place;
    });
    rows.forEach(function (one) { body.appendChild(one.row); });
  }

  document.querySelectorAll("table.sortable th button").forEach(function (button) {
    button.addEventListener("click", function () {
      var head = button.parentElement;
      sort(head.closest("table"), head.cellIndex, head);
    });
  });
})();
