// The layered drawing of a graph, top to bottom. The same steps and numbers as boss/console/graph/layout.py, so that a
// definition looks alike in the editor, on the run's page and in print; tests/browser compares the two.

export const NODE_WIDTH = 180;
export const NODE_HEIGHT = 62;
const GAP_ACROSS = 14;
const GAP_DOWN = 44;
const BEND_WIDTH = 12;
const MARGIN = 8;
const SWEEPS = 8;
const ALIGNMENTS = 12;

type Edge = [string, string];
type Point = [number, number];

export interface Drawing {
  /** Upper left corners by key. */
  boxes: Map<string, Point>;
  /** Corners of each edge by `source>target`. */
  lines: Map<string, Point[]>;
  /** Keys as they are read: layer by layer, left to right. */
  order: string[];
}

interface Slot {
  name: string;
  width: number;
  up: string[];
  down: string[];
  centre: number;
}

/** Layers by longest path. In a circle nothing is decided: its tasks stand below all others. */
function layersOf(keys: string[], edges: Edge[]): Map<string, number> {
  const before = new Map(keys.map((key) => [key, new Set<string>()]));
  const after = new Map(keys.map((key) => [key, [] as string[]]));
  for (const [source, target] of edges) {
    if (before.get(target)!.has(source)) continue;
    before.get(target)!.add(source);
    after.get(source)!.push(target);
  }
  const waiting = new Map(keys.map((key) => [key, before.get(key)!.size]));
  const ready = keys.filter((key) => waiting.get(key) === 0);
  const layer = new Map<string, number>();
  for (let key = ready.shift(); key !== undefined; key = ready.shift()) {
    layer.set(key, Math.max(-1, ...[...before.get(key)!].map((source) => layer.get(source)!)) + 1);
    for (const target of after.get(key)!) {
      waiting.set(target, waiting.get(target)! - 1);
      if (waiting.get(target) === 0) ready.push(target);
    }
  }
  const below = Math.max(-1, ...layer.values()) + 1;
  for (const key of keys) if (!layer.has(key)) layer.set(key, below);
  return layer;
}

export function draw(keys: string[], wanted: Edge[]): Drawing {
  if (!keys.length) return { boxes: new Map(), lines: new Map(), order: [] };
  const known = new Set(keys);
  const seen = new Set<string>();
  const all = wanted.filter(([source, target]) => {
    const name = `${source}>${target}`;
    if (!known.has(source) || !known.has(target) || seen.has(name)) return false;
    return seen.add(name);
  });
  const layer = layersOf(keys, all);
  const edges = all.filter(([source, target]) => layer.get(source)! < layer.get(target)!);
  const { rows, chains, slots } = slotsOf(keys, edges, layer);
  order(rows);
  align(rows, slots);
  return measure(rows, chains, slots, layer);
}

function slotsOf(keys: string[], edges: Edge[], layer: Map<string, number>) {
  const rows: Slot[][] = Array.from({ length: Math.max(...layer.values()) + 1 }, () => []);
  const slots = new Map<string, Slot>();
  for (const key of keys) {
    const slot: Slot = { name: key, width: NODE_WIDTH, up: [], down: [], centre: 0 };
    slots.set(key, slot);
    rows[layer.get(key)!]!.push(slot);
  }
  const chains = new Map<string, string[]>();
  for (const [source, target] of edges) {
    const chain = [source];
    for (let between = layer.get(source)! + 1; between < layer.get(target)!; between += 1) {
      const bend: Slot = { name: `${source}\0${target}\0${between}`, width: BEND_WIDTH, up: [], down: [], centre: 0 };
      slots.set(bend.name, bend);
      rows[between]!.push(bend);
      chain.push(bend.name);
    }
    chain.push(target);
    chain.slice(1).forEach((lower, at) => {
      slots.get(chain[at]!)!.down.push(lower);
      slots.get(lower)!.up.push(chain[at]!);
    });
    chains.set(`${source}>${target}`, chain);
  }
  return { rows, chains, slots };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function order(rows: Slot[][]): void {
  let best = rows.map((row) => [...row]);
  let fewest = crossings(rows);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const downwards = sweep % 2 === 0;
    for (const row of downwards ? rows.slice(1) : rows.slice(0, -1).reverse()) {
      const places = new Map(rows.flatMap((other) => other.map((slot, place): [string, number] => [slot.name, place])));
      const wish = new Map(
        row.map((slot, place): [Slot, number] => {
          const near = downwards ? slot.up : slot.down;
          return [slot, near.length ? mean(near.map((name) => places.get(name)!)) : place];
        }),
      );
      row.sort((one, other) => wish.get(one)! - wish.get(other)!);
    }
    const now = crossings(rows);
    if (now < fewest) [best, fewest] = [rows.map((row) => [...row]), now];
  }
  rows.forEach((row, at) => row.splice(0, row.length, ...best[at]!));
}

function crossings(rows: Slot[][]): number {
  let total = 0;
  rows.slice(0, -1).forEach((row, at) => {
    const places = new Map(rows[at + 1]!.map((slot, place) => [slot.name, place]));
    const flat = row.flatMap((slot) => slot.down.map((name) => places.get(name)!).sort((a, b) => a - b));
    flat.forEach((left, i) => {
      for (let j = i + 1; j < flat.length; j += 1) if (left > flat[j]!) total += 1;
    });
  });
  return total;
}

function align(rows: Slot[][], slots: Map<string, Slot>): void {
  for (const row of rows) {
    let at = 0;
    for (const slot of row) {
      slot.centre = at + slot.width / 2;
      at += slot.width + GAP_ACROSS;
    }
  }
  for (let turn = 0; turn < ALIGNMENTS; turn += 1) {
    const downwards = turn % 2 === 0;
    for (const row of downwards ? rows : [...rows].reverse()) {
      const wishes = row.map((slot) => {
        const [first, second] = downwards ? [slot.up, slot.down] : [slot.down, slot.up];
        const near = first.length ? first : second;
        return near.length ? mean(near.map((name) => slots.get(name)!.centre)) : slot.centre;
      });
      parted(row, wishes).forEach((centre, place) => (row[place]!.centre = centre));
    }
  }
}

/** Centres as near to the wishes as widths allow: clusters of touching slots share their mean (least squares). */
function parted(row: Slot[], wishes: number[]): number[] {
  const offsets: number[] = [];
  row.forEach((slot, at) => offsets.push(at ? offsets[at - 1]! + (row[at - 1]!.width + slot.width) / 2 + GAP_ACROSS : 0));
  const blocks: [number, number][] = [];
  wishes.forEach((wish, at) => {
    let value = wish - offsets[at]!;
    let size = 1;
    while (blocks.length && blocks.at(-1)![0] > value) {
      const [other, count] = blocks.pop()!;
      [value, size] = [(other * count + value * size) / (count + size), count + size];
    }
    blocks.push([value, size]);
  });
  const shifts = blocks.flatMap(([value, size]) => Array<number>(size).fill(value));
  return shifts.map((shift, at) => shift + offsets[at]!);
}

function measure(rows: Slot[][], chains: Map<string, string[]>, slots: Map<string, Slot>, layer: Map<string, number>): Drawing {
  const left = Math.min(...rows.flat().map((slot) => slot.centre - slot.width / 2));
  for (const slot of rows.flat()) slot.centre = Math.round((slot.centre - left + MARGIN) * 10) / 10;
  const top = new Map(rows.flatMap((row, at) => row.map((slot): [string, number] => [slot.name, MARGIN + at * (NODE_HEIGHT + GAP_DOWN)])));
  const tasks = rows.flat().filter((slot) => layer.has(slot.name));
  const lines = new Map<string, Point[]>();
  for (const [name, chain] of chains) {
    const points: Point[] = [[slots.get(chain[0]!)!.centre, top.get(chain[0]!)! + NODE_HEIGHT]];
    for (const bend of chain.slice(1, -1)) {
      const x = slots.get(bend)!.centre;
      points.push([x, top.get(bend)!], [x, top.get(bend)! + NODE_HEIGHT]);
    }
    points.push([slots.get(chain.at(-1)!)!.centre, top.get(chain.at(-1)!)!]);
    lines.set(name, points);
  }
  return {
    boxes: new Map(tasks.map((slot) => [slot.name, [slot.centre - NODE_WIDTH / 2, top.get(slot.name)!]])),
    lines,
    order: tasks.map((slot) => slot.name),
  };
}

/** SVG path data: straight through layers, curved between them. */
export function pathOf(points: Point[]): string {
  let [x, y] = points[0]!;
  let path = `M${x} ${y}`;
  for (const [nextX, nextY] of points.slice(1)) {
    const middle = (y + nextY) / 2;
    path += nextX === x ? `V${nextY}` : `C${x} ${middle} ${nextX} ${middle} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  }
  return path;
}
