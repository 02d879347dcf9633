// Maps: dissimilarities as points in the plane (as reprise.similarity.embedding), and frames that do not flip.
// Points are [x, y] pairs; dissimilarities are condensed, row-major upper triangles.

/** Two-dimensional MDS: SMACOF from the classical solution. Deterministic. Returns { points, stress }. */
export function mds(condensed, n, iterations = 500, tolerance = 1e-9) {
  const matrix = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) matrix[i * n + j] = matrix[j * n + i] = condensed[at++];
  }
  const start = classical(matrix, n);
  let [xs, ys] = [0, 1].map((axis) => Float64Array.from(start, (point) => point[axis]));
  let last = Infinity;
  for (let step = 0; step < iterations; step++) {
    const movedX = new Float64Array(n);
    const movedY = new Float64Array(n);
    let stress = 0;
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++, at++) {
        const x = xs[i] - xs[j];
        const y = ys[i] - ys[j];
        const distance = Math.sqrt(x * x + y * y);
        stress += 2 * (condensed[at] - distance) ** 2;
        // Guttman transform: never increases stress.
        const ratio = distance > 0 ? condensed[at] / distance / n : 0;
        movedX[i] += ratio * x;
        movedX[j] -= ratio * x;
        movedY[i] += ratio * y;
        movedY[j] -= ratio * y;
      }
    }
    if (last - stress <= tolerance * Math.max(stress, 1e-300)) break;
    last = stress;
    [xs, ys] = [movedX, movedY];
  }
  const points = principal(Array.from(xs, (x, i) => [x, ys[i]]));
  let [error, total] = [0, 0];
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++, at++) {
      const distance = Math.hypot(points[i][0] - points[j][0], points[i][1] - points[j][1]);
      error += (condensed[at] - distance) ** 2;
      total += distance ** 2;
    }
  }
  return { points, stress: total > 0 ? Math.sqrt(error / total) : 0 };
}

function classical(matrix, n) {
  const inner = matrix.map((value) => -0.5 * value * value);
  const means = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += inner[i * n + j];
    return sum / n;
  });
  const grand = means.reduce((sum, value) => sum + value, 0) / n;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) inner[i * n + j] += grand - means[i] - means[j];
  const { values, vectors } = eigen(inner, n);
  const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a]);
  return Array.from({ length: n }, (_, i) =>
    // A negative eigenvalue means that no Euclidean axis is left: the point stays at 0 there.
    [0, 1].map((axis) => vectors[i * n + order[axis]] * Math.sqrt(Math.max(values[order[axis]], 0))),
  );
}

/** Eigenvalues and eigenvectors (as columns) of a symmetric matrix, by Jacobi's rotations. */
export function eigen(symmetric, n) {
  const a = Float64Array.from(symmetric);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let [off, all] = [0, 0];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        all += a[i * n + j] ** 2;
        if (i !== j) off += a[i * n + j] ** 2;
      }
    }
    if (off <= 1e-30 * all) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), vectors };
}

function rotate(a, vectors, n, p, q) {
  const entry = a[p * n + q];
  if (entry === 0) return;
  const slope = (a[q * n + q] - a[p * n + p]) / (2 * entry);
  const tangent = (slope >= 0 ? 1 : -1) / (Math.abs(slope) + Math.sqrt(slope * slope + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[k * n + p], a[k * n + q]];
    a[k * n + p] = cosine * x - sine * y;
    a[k * n + q] = sine * x + cosine * y;
  }
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[p * n + k], a[q * n + k]];
    a[p * n + k] = cosine * x - sine * y;
    a[q * n + k] = sine * x + cosine * y;
    const [v, w] = [vectors[k * n + p], vectors[k * n + q]];
    vectors[k * n + p] = cosine * v - sine * w;
    vectors[k * n + q] = sine * v + cosine * w;
  }
}

function centred(points) {
  const centre = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  return points.map((point) => [point[0] - centre[0], point[1] - centre[1]]);
}

/** Points on their principal axes, the largest entry of each axis positive. */
function principal(raw) {
  const points = centred(raw);
  const product = (k, l) => points.reduce((sum, point) => sum + point[k] * point[l], 0);
  const { values, vectors } = eigen([product(0, 0), product(0, 1), product(0, 1), product(1, 1)], 2);
  const axes = values[0] >= values[1] ? [0, 1] : [1, 0];
  const turned = points.map(([x, y]) => axes.map((axis) => x * vectors[axis] + y * vectors[2 + axis]));
  for (const axis of [0, 1]) {
    const extent = Math.max(...turned.map((point) => Math.abs(point[axis])));
    const first = turned.find((point) => Math.abs(point[axis]) > (1 - 1e-9) * extent);
    if (first && first[axis] < 0) for (const point of turned) point[axis] = -point[axis];
  }
  return turned;
}

/** Points rotated, and reflected where that brings them closer, onto earlier ones; centred. */
export function alignTo(points, reference) {
  const [frame, target] = [centred(points), centred(reference)];
  const product = (k, l) => frame.reduce((sum, point, i) => sum + point[k] * target[i][l], 0);
  const [a, b, c, d] = [product(0, 0), product(0, 1), product(1, 0), product(1, 1)];
  const flip = a * d - b * c < 0 ? -1 : 1; // in the plane the best orthogonal map has a closed form
  const angle = Math.atan2(b - flip * c, a + flip * d);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return frame.map(([x, y]) => [x * cosine - flip * y * sine, x * sine + flip * y * cosine]);
}
