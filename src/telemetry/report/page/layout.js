// Where the boxes of a graph go: in layers from left to right, each ordered and
// placed by the middle of what it is joined to.

const BOX = { width: 184, height: 42, gapX: 44, gapY: 12 };
/** A layer with more boxes is folded into several columns. */
const TALLEST = 40;

/** Places `count` boxes, joined by edges `{a, b}`, `order` being one in which they
 *  come: gives the left upper corner of each, and the points of each edge. */
function layered(count, edges, order) {
  const layer = new Int32Array(count);
  const forward = edges.map(({ a, b }, at) => (order[a] <= order[b] ? { a, b, at } : { a: b, b: a, at }));
  const [outs, ins] = [listed(count, forward.map((edge) => edge.a)), listed(count, forward.map((edge) => edge.b))];
  const inOrder = Array.from({ length: count }, (_, at) => at).sort((a, b) => order[a] - order[b] || a - b);
  for (const at of inOrder) for (const edge of outs(at)) layer[forward[edge].b] = Math.max(layer[forward[edge].b], layer[at] + 1);
  // What waits for nothing stands right before what needs it first.
  for (const at of inOrder) {
    if (ins(at).length === 0 && outs(at).length > 0) layer[at] = Math.min(...outs(at).map((edge) => layer[forward[edge].b])) - 1;
  }

  // An edge over several layers goes by a point in each of them.
  const of = Array.from(layer);
  const links = [];
  const via = forward.map(() => []);
  const span = forward.reduce((sum, { a, b }) => sum + layer[b] - layer[a] - 1, 0);
  for (const { a, b, at } of forward) {
    let last = a;
    if (span <= 12000) {
      for (let between = layer[a] + 1; between < layer[b]; between += 1) {
        via[at].push(of.length);
        links.push([last, of.length]);
        last = of.length;
        of.push(between);
      }
    }
    links.push([last, b]);
  }
  const total = of.length;
  const layers = [];
  // In a walk along the edges, so that what belongs together begins together.
  const seen = new Uint8Array(total);
  const [after, before] = [listed(total, links.map((link) => link[0])), listed(total, links.map((link) => link[1]))];
  for (const root of [...inOrder, ...Array.from({ length: total - count }, (_, at) => count + at)]) {
    const stack = [root];
    while (stack.length > 0) {
      const at = stack.pop();
      if (seen[at]) continue;
      seen[at] = 1;
      (layers[of[at]] ??= []).push(at);
      for (const link of after(at)) stack.push(links[link][1]);
    }
  }
  for (let at = 0; at < layers.length; at += 1) layers[at] ??= [];
  const rank = new Float64Array(total);
  const number = (list) => list.forEach((at, place) => { rank[at] = place; });
  layers.forEach(number);
  const middleOf = (at, towards, end) => {
    const found = towards(at);
    return found.length === 0 ? null : found.reduce((sum, link) => sum + rank[links[link][end]], 0) / found.length;
  };
  const sweep = (list, towards, end) => {
    const wish = new Map(list.map((at) => [at, middleOf(at, towards, end) ?? rank[at]]));
    list.sort((a, b) => wish.get(a) - wish.get(b));
    number(list);
  };
  for (let round = 0; round < (total > 4000 ? 4 : 10); round += 1) {
    if (round % 2 === 0) layers.forEach((list) => sweep(list, before, 0));
    else for (let at = layers.length - 1; at >= 0; at -= 1) sweep(layers[at], after, 1);
  }

  const [x, y] = [new Float64Array(total), new Float64Array(total)];
  const height = (at) => (at < count ? BOX.height + BOX.gapY : 12);
  let left = 0;
  const folded = layers.map((list) => {
    const boxes = list.filter((at) => at < count);
    const columns = Math.ceil(boxes.length / TALLEST);
    const rows = Math.ceil(boxes.length / Math.max(1, columns));
    list.forEach((at) => { x[at] = left; });
    if (columns > 1) boxes.forEach((at, place) => { x[at] = left + (place % columns) * (BOX.width + 16); });
    left += Math.max(1, columns) * (BOX.width + 16) - 16 + BOX.gapX;
    return columns > 1 && { boxes, columns, rows };
  });
  const place = (list, fold, wishes) => {
    if (!fold) return stacked(list, wishes, height).forEach((at, index) => { y[list[index]] = at; });
    const centre = wishes.reduce((sum, wish) => sum + wish, 0) / Math.max(1, wishes.length);
    const top = centre - (fold.rows * height(0)) / 2;
    fold.boxes.forEach((at, index) => { y[at] = top + Math.floor(index / fold.columns) * height(0); });
    list.forEach((at) => { if (at >= count) y[at] = centre; });
  };
  layers.forEach((list, at) => place(list, folded[at], list.map((_, index) => (index - list.length / 2) * height(0))));
  const wishOf = (at, towards, end) => {
    const found = towards(at);
    return found.length === 0 ? y[at] : found.reduce((sum, link) => sum + y[links[link][end]], 0) / found.length;
  };
  for (let round = 0; round < 6; round += 1) {
    const [towards, end] = round % 2 === 0 ? [before, 0] : [after, 1];
    const turn = round % 2 === 0 ? layers.keys() : [...layers.keys()].reverse();
    for (const at of turn) place(layers[at], folded[at], layers[at].map((box) => wishOf(box, towards, end)));
  }
  const centre = BOX.height / 2;
  const routes = forward.map(({ a, b, at }) => [
    [x[a] + BOX.width, y[a] + centre],
    ...via[at].flatMap((point) => [[x[point], y[point] + centre], [x[point] + BOX.width, y[point] + centre]]),
    [x[b], y[b] + centre],
  ]);
  return { x, y, routes };
}

/** Positions as near as can be to the wishes (least squares), in this order and with
 *  no overlap: neighbours that want the same place share their mean. */
function stacked(list, wishes, height) {
  const offsets = [];
  let offset = 0;
  list.forEach((at, index) => { if (index > 0) offset += (height(list[index - 1]) + height(at)) / 2; offsets.push(offset); });
  const blocks = [];
  wishes.forEach((wish, index) => {
    let block = { sum: wish - offsets[index], size: 1 };
    while (blocks.length > 0 && blocks.at(-1).sum / blocks.at(-1).size > block.sum / block.size) {
      const last = blocks.pop();
      block = { sum: block.sum + last.sum, size: block.size + last.size };
    }
    blocks.push(block);
  });
  return blocks.flatMap(({ sum, size }) => new Array(size).fill(sum / size)).map((at, index) => at + offsets[index]);
}
