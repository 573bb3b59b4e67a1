// Undo and redo. Changes with the same tag that follow one another closely (typing in one field) are one step.
import type { Doc } from "./document";

export interface History {
  past: Doc[];
  present: Doc;
  future: Doc[];
  tag: string;
  at: number;
}

export type Step =
  | { type: "change"; change: (doc: Doc) => Doc; tag: string; at: number }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "replace"; doc: Doc };

const TOGETHER_MS = 1500;
const LONGEST = 200;

export const begin = (present: Doc): History => ({ past: [], present, future: [], tag: "", at: 0 });

export function step(history: History, action: Step): History {
  const { past, present, future } = history;
  if (action.type === "replace") return begin(action.doc);
  if (action.type === "undo") {
    const back = past.at(-1);
    return back ? { past: past.slice(0, -1), present: back, future: [present, ...future], tag: "", at: 0 } : history;
  }
  if (action.type === "redo") {
    const forth = future[0];
    return forth ? { past: [...past, present], present: forth, future: future.slice(1), tag: "", at: 0 } : history;
  }
  const next = action.change(present);
  if (next === present || JSON.stringify(next) === JSON.stringify(present)) return history;
  const together = action.tag !== "" && action.tag === history.tag && action.at - history.at < TOGETHER_MS;
  return {
    past: together ? past : [...past, present].slice(-LONGEST),
    present: next,
    future: [],
    tag: action.tag,
    at: action.at,
  };
}
