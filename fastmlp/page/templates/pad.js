"use strict";
const network = JSON.parse(document.getElementById("network").textContent);
const bytes = Uint8Array.from(atob(network.parameters), letter => letter.charCodeAt(0));
const parameters = new Float32Array(bytes.buffer);

// All terms of the series are positive, so that nothing cancels.
function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  let term = size, sum = size;
  for (let n = 1; term > 1e-17 * sum; n++) sum += term *= 2 * size * size / (2 * n + 1);
  return Math.sign(x) * 2 / Math.sqrt(Math.PI) * Math.exp(-size * size) * sum;
}

const activations = {
  identity: z => z,
  logistic: z => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  relu: z => Math.max(z, 0),
  leaky_relu: z => z > 0 ? z : 0.01 * z,
  silu: z => z / (1 + Math.exp(-z)),
  gelu: z => z * (1 + erf(z / Math.SQRT2)) / 2,
};

// The probabilities of the classes, of a row of pixels as the network takes them.
function probabilities(row) {
  let units = row, at = 0;
  network.sizes.slice(1).forEach((n, layer) => {
    const bias = at + units.length * n, sums = Float64Array.from(parameters.subarray(bias, bias + n));
    units.forEach((value, i) => {
      if (value !== 0) for (let j = 0; j < n; j++) sums[j] += value * parameters[at + i * n + j];
    });
    at = bias + n;
    units = layer < network.activations.length ? sums.map(activations[network.activations[layer]]) : sums;
  });
  const largest = units.reduce((a, b) => Math.max(a, b));
  const shares = units.map(z => Math.exp(z - largest));
  const total = shares.reduce((a, b) => a + b);
  return shares.map(share => share / total);
}

const pen = 0.09 * network.side;

// Strokes, lists of [x, y] in pixels of the network's images, as ink of 0 to 1.
function inked(strokes) {
  const side = network.side, ink = new Float64Array(side * side);
  for (const stroke of strokes) {
    stroke.forEach(([x, y], i) => {
      const [fromX, fromY] = stroke[Math.max(i - 1, 0)];
      const [alongX, alongY] = [x - fromX, y - fromY], square = alongX ** 2 + alongY ** 2;
      for (let at = 0; at < ink.length; at++) {
        const [toX, toY] = [at % side + 0.5 - fromX, Math.floor(at / side) + 0.5 - fromY];
        const part = square ? Math.min(Math.max((toX * alongX + toY * alongY) / square, 0), 1) : 0;
        const distance = Math.hypot(toX - part * alongX, toY - part * alongY);
        ink[at] = Math.max(ink[at], Math.min(Math.max(pen / 2 + 0.5 - distance, 0), 1));
      }
    });
  }
  return ink;
}

// As MNIST's digits are: the drawing fits a box of 20 of 28 pixels, its centre of mass is in the middle.
function normalised(strokes) {
  const side = network.side, points = strokes.flat();
  const [left, right, top, bottom] = [0, 0, 1, 1].map((axis, i) =>
    points.map(point => point[axis]).reduce(i % 2 ? (a, b) => Math.max(a, b) : (a, b) => Math.min(a, b)));
  const extent = Math.max(right - left, bottom - top, paper.width / 10);  // a dot stays one
  const scale = (side * 20 / 28 - pen) / extent;
  const placed = (x, y) => strokes.map(stroke => stroke.map(point => [
    (point[0] - (left + right) / 2) * scale + x, (point[1] - (top + bottom) / 2) * scale + y,
  ]));
  let [total, x, y] = [0, 0, 0];
  inked(placed(side / 2, side / 2)).forEach((ink, at) => {
    total += ink;
    x += ink * (at % side + 0.5);
    y += ink * (Math.floor(at / side) + 0.5);
  });
  return inked(placed(side - x / total, side - y / total));
}

const paper = document.getElementById("paper"), seen = document.getElementById("seen");
const guess = document.getElementById("guess"), lines = document.querySelectorAll("#classes tr");
let strokes = [], isAsked = false;

function show() {
  isAsked = false;
  const drawing = paper.getContext("2d");
  drawing.clearRect(0, 0, paper.width, paper.height);
  Object.assign(drawing, { strokeStyle: "white", lineWidth: 20, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    drawing.beginPath();
    drawing.moveTo(...stroke[0]);
    for (const point of stroke) drawing.lineTo(...point);
    drawing.stroke();
  }
  const ink = strokes.length ? normalised(strokes) : new Float64Array(network.side ** 2);
  const pixels = new ImageData(network.side, network.side);
  ink.forEach((value, at) => pixels.data.set([255 * value, 255 * value, 255 * value, 255], 4 * at));
  seen.getContext("2d").putImageData(pixels, 0, 0);
  const shares = strokes.length
    ? probabilities(ink.map(value => network.ground + value * (network.ink - network.ground))) : null;
  const best = shares && shares.indexOf(Math.max(...shares));
  guess.value = shares ? `${lines[best].cells[0].textContent}, ${(100 * shares[best]).toFixed(1)} %` : "Draw on the left.";
  lines.forEach((line, i) => {
    line.cells[1].firstChild.value = shares ? shares[i] : 0;
    line.cells[2].textContent = shares ? `${(100 * shares[i]).toFixed(1)} %` : "";
  });
}

function ask() {  // many movements of the pen can come between two pictures of the screen
  if (!isAsked) requestAnimationFrame(show);
  isAsked = true;
}

function place(event) {
  const box = paper.getBoundingClientRect();
  return [event.clientX - box.left - paper.clientLeft, event.clientY - box.top - paper.clientTop];
}

paper.addEventListener("pointerdown", event => {
  paper.setPointerCapture(event.pointerId);
  strokes.push([place(event)]);
  ask();
});
paper.addEventListener("pointermove", event => {
  if (!paper.hasPointerCapture(event.pointerId)) return;
  strokes.at(-1).push(place(event));
  ask();
});
document.getElementById("clear").addEventListener("click", () => {
  strokes = [];
  ask();
});
