// Which sides of the desk are folded away. This browser remembers it; where it may keep nothing, it holds for the page.
import { useCallback, useState } from "react";

export interface Folds {
  palette: boolean;
  panel: boolean;
}

const KEPT_AS = "boss.workflow-editor.folds";

function remembered(): Folds {
  try {
    const kept = JSON.parse(window.localStorage.getItem(KEPT_AS) ?? "{}") as Partial<Folds>;
    return { palette: kept.palette === true, panel: kept.panel === true };
  } catch {
    return { palette: false, panel: false };
  }
}

export function useFolds(): { folds: Folds; fold: (side: keyof Folds, isFolded: boolean) => void } {
  const [folds, setFolds] = useState(remembered);
  const fold = useCallback((side: keyof Folds, isFolded: boolean) => {
    setFolds((before) => {
      if (before[side] === isFolded) return before;
      const next = { ...before, [side]: isFolded };
      try {
        window.localStorage.setItem(KEPT_AS, JSON.stringify(next));
      } catch {
        // Private windows and full stores.
      }
      return next;
    });
  }, []);
  return { folds, fold };
}
