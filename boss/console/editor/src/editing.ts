// What every part of the editor shares.
import { createContext, useContext } from "react";
import type { Checked, Palette } from "./api";
import type { Doc } from "./document";

export interface Editing {
  doc: Doc;
  palette: Palette;
  checked: Checked;
  /** One step of the history; steps with the same tag that follow closely are one. */
  change: (change: (doc: Doc) => Doc, tag?: string) => void;
  /** Choose tasks; the first one's form is shown. */
  choose: (keys: string[]) => void;
}

export const EditingContext = createContext<Editing | null>(null);

export function useEditing(): Editing {
  const editing = useContext(EditingContext);
  if (!editing) throw new Error("outside of the editor");
  return editing;
}

/** Problems at a place and everywhere below it. */
export function problemsAt(places: Record<string, string[]>, place: string): string[] {
  return Object.entries(places).flatMap(([at, texts]) => (at === place || at.startsWith(`${place}.`) ? texts : []));
}

/** How many problems a task has. */
export const problemsOf = (places: Record<string, string[]>, key: string): number => problemsAt(places, `tasks.${key}`).length;
