// The editor: palette, drawing, form; history, saving, checking; keys.
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { check, type Checked, discard, type Draft, load, type Palette as Catalogue, publish, Refused, save } from "./api";
import { Canvas, drawingOf, showTop } from "./Canvas";
import { addTask, type Doc, freshKey, kindOf, paste, type Point, removeTasks, slug, type Task, titleOf } from "./document";
import { type Editing, EditingContext } from "./editing";
import { useFolds } from "./folds";
import { begin, step } from "./history";
import { Icon } from "./Icon";
import { filledIn } from "./names";
import { Palette, type Wanted } from "./Palette";
import { linesOf, ProblemList } from "./ProblemList";
import { TaskForm } from "./TaskForm";
import { firstInputs, type Question, useSimulation, WhatIf } from "./WhatIf";
import { WorkflowForm } from "./WorkflowForm";
import { gettext as _, ngettext } from "./words";

const COPIED = "boss-workflow-tasks";
const SAVE_AFTER_MS = 700;
const CHECK_AFTER_MS = 300;
const WHOLE = 10;

export interface Place {
  draft: string;
  /** Where the published definition is shown, with 0 for its id. */
  definitionUrl: string;
  /** Keys of the tasks of the version there is: their keys stay. */
  published: string[];
  mayPublish: boolean;
  /** The page lists the definitions. */
  listUrl: string;
}

type Saving = { state: "saved" | "waiting" | "saving" | "conflict" } | { state: "failed"; why: string };
type Panel = "task" | "workflow" | "problems" | "whatif";

export function Editor(props: { place: Place; draft: Draft; etag: string; catalogue: Catalogue }) {
  return (
    <ReactFlowProvider>
      <Desk {...props} />
    </ReactFlowProvider>
  );
}

function Desk({ place, draft, etag: firstEtag, catalogue }: { place: Place; draft: Draft; etag: string; catalogue: Catalogue }) {
  const flow = useReactFlow();
  const [history, act] = useReducer(step, draft.document, begin);
  const doc = history.present;
  const [chosen, setChosen] = useState<string[]>([]);
  const [panel, setPanel] = useState<Panel>(doc.tasks.length ? "task" : "workflow");
  const [checked, setChecked] = useState<Checked>({ faults: {}, warnings: {} });
  const [said, setSaid] = useState("");
  const [question, setQuestion] = useState<Question | null>(null);
  const [publishing, setPublishing] = useState(false);
  const [discarding, setDiscarding] = useState(false);
  const { folds, fold } = useFolds();
  const simulation = useSimulation(doc, panel === "whatif" ? question : null);
  const saving = useSaving(draft.public_id, doc, firstEtag);

  const change = useCallback((how: (now: Doc) => Doc, tag = "") => act({ type: "change", change: how, tag, at: Date.now() }), []);
  const choose = useCallback((keys: string[]) => {
    setChosen((before) => (before.length === keys.length && before.every((key, at) => key === keys[at]) ? before : keys));
    if (keys.length) setPanel((now) => (now === "whatif" ? now : "task"));
  }, []);

  useEffect(() => {
    let isOld = false;
    const timer = setTimeout(async () => {
      try {
        const found = await check(doc);
        if (!isOld) setChecked({ faults: found.faults ?? {}, warnings: found.warnings ?? {} });
      } catch {
        // The next change asks again; saving tells when there is no connection.
      }
    }, CHECK_AFTER_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [doc]);

  const add = useCallback(
    (wanted: Wanted, at?: Point) => {
      const taken = doc.tasks.map((task) => task.key);
      const key = freshKey(slug(wanted.handler?.split(".").pop() ?? wanted.title), taken);
      const behind = at ? [] : chosen.filter((one) => taken.includes(one));
      // Where somebody has arranged by hand, a new task stands below the one it follows.
      let point = at;
      if (!point && doc.layout && behind[0]) {
        const before = doc.layout[behind[0]];
        if (before) point = [before[0], before[1] + 106];
      }
      if (at && !doc.layout) change((now) => ({ ...now, layout: Object.fromEntries(drawingOf(now).boxes) }), `add.${key}`);
      change((now) => filledIn(addTask(now, { ...wanted, key, after: behind }, point), catalogue, key).doc, `add.${key}`);
      const { added } = filledIn(addTask(doc, { ...wanted, key, after: behind }), catalogue, key);
      setSaid(added.length ? _("“%(title)s” was added, and the run input %(inputs)s.", { title: wanted.title, inputs: added.map(titleOf).join(", ") }) : _("“%(title)s” was added.", { title: wanted.title }));
      choose([key]);
      if (!at) {
        // A small drawing is shown whole; in a large one the view stays where it is.
        const next = addTask(doc, { ...wanted, key, after: behind }, point);
        if (next.tasks.length <= WHOLE) showTop(next, flow);
      }
    },
    [doc, chosen, change, choose, catalogue, flow],
  );

  const show = useCallback(
    (keys: string[]) => {
      void flow.fitView({ nodes: keys.map((id) => ({ id })), maxZoom: 1.1, padding: 0.4, duration: 200 });
    },
    [flow],
  );

  const go = useCallback(
    (at: string) => {
      const [top, key] = at.split(".");
      const task = top === "tasks" && key ? (doc.tasks.find((one) => one.key === key) ?? doc.tasks[Number(key)]) : undefined;
      fold("panel", false);
      if (task) {
        setChosen([task.key]);
        setPanel("task");
        show([task.key]);
      } else if (top === "tasks" || top === "document") return;
      else setPanel("workflow");
      requestAnimationFrame(() => requestAnimationFrame(() => focusPlace(at)));
    },
    [doc, show, fold],
  );

  const arrange = useCallback(() => {
    const { layout: _gone, ...rest } = doc;
    change(() => rest);
    showTop(rest, flow);
  }, [doc, change, flow]);

  // Folding gives the drawing another room: it is shown anew in it.
  const toggle = (side: "palette" | "panel") => {
    fold(side, !folds[side]);
    requestAnimationFrame(() => requestAnimationFrame(() => showTop(doc, flow)));
  };

  const remove = useCallback(() => {
    if (!chosen.length) return;
    change((now) => removeTasks(now, chosen));
    setSaid(ngettext("%(n)s task was removed.", "%(n)s tasks were removed.", chosen.length));
    setChosen([]);
  }, [chosen, change]);

  const copies = useCallback(
    (tasks: Task[], within: boolean) => {
      const { doc: next, keys } = paste(doc, tasks, within);
      const layout = doc.layout && { ...doc.layout };
      if (layout) tasks.forEach((task, at) => layout[task.key] && (layout[keys[at]!] = [layout[task.key]![0] + 40, layout[task.key]![1] + 40]));
      change(() => (layout ? { ...next, layout } : next));
      choose(keys);
    },
    [doc, change, choose],
  );
  const selection = useMemo(() => doc.tasks.filter((task) => chosen.includes(task.key)), [doc, chosen]);

  // Keys: those of a canvas, and only while nobody is typing.
  useEffect(() => {
    const typing = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
    const onKey = (event: KeyboardEvent) => {
      if (document.querySelector("dialog[open]")) return;
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (command && (key === "z" || key === "y")) {
        event.preventDefault();
        act({ type: key === "y" || event.shiftKey ? "redo" : "undo" });
      } else if (key === "escape" && chosen[0]) {
        document.querySelector<HTMLElement>(`.react-flow__node[data-id="${chosen[0]}"]`)?.focus();
      } else if (typing(event.target)) return;
      else if (command && key === "d") {
        event.preventDefault();
        const focused = event.target instanceof HTMLElement ? doc.tasks.find((task) => task.key === (event.target as HTMLElement).dataset.id) : undefined;
        const wanted = focused && !selection.includes(focused) ? [focused] : selection;
        if (wanted.length) copies(wanted, true);
      } else if (command && key === "a") {
        event.preventDefault();
        choose(doc.tasks.map((task) => task.key));
      } else if (key === "enter" && event.target instanceof HTMLElement && event.target.classList.contains("react-flow__node")) {
        event.preventDefault();
        choose([event.target.dataset.id!]);
        setPanel("task");
        fold("panel", false);
        requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLElement>("#task-form input")?.focus()));
      }
    };
    const onCopy = (event: ClipboardEvent) => {
      if (typing(event.target) || !selection.length || window.getSelection()?.toString()) return;
      event.preventDefault();
      event.clipboardData?.setData("text/plain", JSON.stringify({ [COPIED]: selection }));
      setSaid(ngettext("%(n)s task copied.", "%(n)s tasks copied.", selection.length));
      if (event.type === "cut") remove();
    };
    const onPaste = (event: ClipboardEvent) => {
      if (typing(event.target)) return;
      try {
        const told = JSON.parse(event.clipboardData?.getData("text/plain") ?? "") as Record<string, Task[]>;
        const tasks = told[COPIED];
        if (!Array.isArray(tasks) || !tasks.every((task) => typeof task.key === "string")) return;
        event.preventDefault();
        copies(tasks, false);
      } catch {
        // Something else was copied.
      }
    };
    document.addEventListener("keydown", onKey);
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [selection, copies, choose, chosen, doc, remove, fold]);

  const editing: Editing = useMemo(() => ({ doc, palette: catalogue, checked, change, choose }), [doc, catalogue, checked, change, choose]);
  const task = chosen.length === 1 ? doc.tasks.find((one) => one.key === chosen[0]) : undefined;
  const lines = linesOf(checked);
  const faults = lines.filter((line) => line.isFault).length;
  const openPanel = (next: Panel) => {
    fold("panel", false);
    setPanel(next);
    if (next === "whatif" && !question) setQuestion({ inputs: firstInputs(doc), answers: {}, reverseAt: null });
  };
  const tabs: [Panel, string][] = [
    ["task", _("Task")],
    ["workflow", _("Workflow")],
    ["problems", lines.length ? _("Problems (%(n)s)", { n: lines.length }) : _("Problems")],
    ["whatif", _("What if")],
  ];
  return (
    <EditingContext.Provider value={editing}>
      <div className={["wf", folds.palette && "wf-no-palette", folds.panel && "wf-no-panel"].filter(Boolean).join(" ")}>
        <header className="wf-bar">
          <div className="wf-name">
            <p className="crumbs">
              <a href={place.listUrl}>{_("Workflows")}</a> › {_("Draft")}
            </p>
            <h1>{doc.title || doc.key}</h1>
          </div>
          <SavedState saving={saving.now} onMine={saving.keepMine} onTheirs={async () => act({ type: "replace", doc: await saving.takeTheirs() })} />
          <div className="wf-tools" role="toolbar" aria-label={_("Drawing")}>
            <Tool icon="arrow-back-up" label={_("Undo (Ctrl Z)")} disabled={!history.past.length} onClick={() => act({ type: "undo" })} />
            <Tool icon="arrow-back-up" isMirrored label={_("Redo (Shift Ctrl Z)")} disabled={!history.future.length} onClick={() => act({ type: "redo" })} />
            <Tool icon="copy" label={_("Duplicate (Ctrl D)")} disabled={!selection.length} onClick={() => copies(selection, true)} />
            <Tool icon="trash" label={_("Remove (Del)")} disabled={!selection.length} onClick={remove} />
            <Tool icon="topology-star-3" label={_("Arrange")} text={_("Arrange")} onClick={arrange} />
            <Tool icon="layout-sidebar" label={_("What can be added")} pressed={!folds.palette} onClick={() => toggle("palette")} />
            <Tool icon="layout-sidebar" isMirrored label={_("Details")} pressed={!folds.panel} onClick={() => toggle("panel")} />
            {place.mayPublish && <Tool icon="ban" label={_("Throw the draft away…")} onClick={() => setDiscarding(true)} />}
            <Tool icon="help" label={_("Keys (?)")} onClick={() => document.querySelector<HTMLDialogElement>("#keys")?.showModal()} />
          </div>
          {place.mayPublish && (
            <button type="button" className="btn btn-primary" aria-disabled={faults > 0} onClick={() => (faults ? openPanel("problems") : setPublishing(true))}>
              {_("Publish…")}
            </button>
          )}
        </header>
        <Palette onAdd={add} />
        <Canvas chosen={chosen} onAdd={add} simulated={panel === "whatif" ? simulation.found : null} />
        <section className="wf-panel" aria-label={_("Details")}>
          <div className="wf-tabs" role="tablist" aria-label={_("Details")}>
            {tabs.map(([key, label]) => (
              <button key={key} id={`tab-${key}`} type="button" role="tab" aria-selected={panel === key} aria-controls="wf-shown" className={key === "problems" && faults ? "wf-has-faults" : ""} onClick={() => openPanel(key)}>
                {label}
              </button>
            ))}
          </div>
          <div className="wf-panel-body" id="wf-shown" role="tabpanel" aria-labelledby={`tab-${panel}`} tabIndex={0}>
            {panel === "task" && (task ? <TaskForm key={task.key} task={task} isNew={!place.published.includes(task.key)} /> : <Hint count={chosen.length} />)}
            {panel === "workflow" && <WorkflowForm />}
            {panel === "problems" && <ProblemList doc={doc} checked={checked} onGo={go} />}
            {panel === "whatif" && question && <WhatIf question={question} onChange={setQuestion} found={simulation.found} problem={simulation.problem} />}
          </div>
        </section>
        <div className="boss-hidden" role="status">
          {said}
        </div>
        {publishing && <Publish doc={doc} place={place} onClose={() => setPublishing(false)} onLeave={saving.stop} />}
        {discarding && <Discard place={place} onClose={() => setDiscarding(false)} onLeave={saving.stop} />}
      </div>
    </EditingContext.Provider>
  );
}

function Tool({ icon, isMirrored, label, text, disabled, pressed, onClick }: { icon: string; isMirrored?: boolean; label: string; text?: string; disabled?: boolean; pressed?: boolean; onClick: () => void }) {
  return (
    <button type="button" className={isMirrored ? "btn btn-quiet wf-mirrored" : "btn btn-quiet"} aria-label={label} aria-pressed={pressed} title={label} disabled={disabled} onClick={onClick}>
      <Icon name={icon} />
      {text && <span>{text}</span>}
    </button>
  );
}

function Hint({ count }: { count: number }) {
  return (
    <div className="wf-hint">
      {count > 1 ? (
        <p>{ngettext("%(n)s task is chosen.", "%(n)s tasks are chosen.", count)}</p>
      ) : (
        <>
          <p>{_("Choose a task to see its form.")}</p>
          <p className="form-hint">{_("Drag from the lower edge of a task to the one that comes next. Hold Shift and drag to choose several.")}</p>
        </>
      )}
    </div>
  );
}

/** The field that a problem names, or the nearest thing around it. */
function focusPlace(at: string): void {
  for (let place = at; place; place = place.includes(".") ? place.slice(0, place.lastIndexOf(".")) : "") {
    const field = document.querySelector<HTMLElement>(`[data-place="${CSS.escape(place)}"]`);
    if (!field) continue;
    for (let fold = field.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) fold.open = true;
    field.scrollIntoView({ block: "center" });
    field.querySelector<HTMLElement>("input, select, textarea, button")?.focus();
    return;
  }
}

/** Saves some moments after the last change, one request at a time; a draft that somebody else saved stops it. */
function useSaving(draft: string, doc: Doc, firstEtag: string) {
  const [now, setNow] = useState<Saving>({ state: "saved" });
  const etag = useRef(firstEtag);
  const wanted = useRef(doc);
  const stored = useRef(doc);
  const busy = useRef(false);
  const conflict = useRef(false);
  wanted.current = doc;

  const send = useCallback(async () => {
    if (busy.current || conflict.current || wanted.current === stored.current) return;
    busy.current = true;
    const sent = wanted.current;
    setNow({ state: "saving" });
    try {
      etag.current = await save(draft, sent, etag.current);
      stored.current = sent;
      setNow({ state: wanted.current === sent ? "saved" : "waiting" });
    } catch (error) {
      conflict.current = error instanceof Refused && error.status === 412;
      setNow(conflict.current ? { state: "conflict" } : { state: "failed", why: error instanceof Refused ? error.message : _("No connection.") });
    } finally {
      busy.current = false;
    }
  }, [draft]);

  useEffect(() => {
    if (doc === stored.current) return undefined;
    if (!conflict.current) setNow((before) => (before.state === "saving" ? before : { state: "waiting" }));
    const timer = setTimeout(send, SAVE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [doc, send]);

  // What changed while one save was on its way, or failed to be saved, is tried again.
  useEffect(() => {
    if (now.state !== "waiting" && now.state !== "failed") return undefined;
    const timer = setTimeout(send, now.state === "failed" ? 5000 : SAVE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [now, send]);

  useEffect(() => {
    const onLeave = (event: BeforeUnloadEvent) => {
      if (wanted.current !== stored.current) event.preventDefault();
    };
    window.addEventListener("beforeunload", onLeave);
    return () => window.removeEventListener("beforeunload", onLeave);
  }, []);

  const keepMine = useCallback(async () => {
    etag.current = (await load(draft)).etag;
    conflict.current = false;
    await send();
  }, [draft, send]);
  const takeTheirs = useCallback(async () => {
    const theirs = await load(draft);
    etag.current = theirs.etag;
    conflict.current = false;
    stored.current = theirs.draft.document;
    wanted.current = theirs.draft.document;
    setNow({ state: "saved" });
    return theirs.draft.document;
  }, [draft]);
  /** The draft is gone: nothing more is to be saved. */
  const stop = useCallback(() => {
    conflict.current = true;
    stored.current = wanted.current;
  }, []);
  return { now, keepMine, takeTheirs, stop };
}

function SavedState({ saving, onMine, onTheirs }: { saving: Saving; onMine: () => void; onTheirs: () => void }) {
  if (saving.state === "conflict")
    return (
      <div className="wf-conflict" role="alert">
        <Icon name="alert-triangle" />
        <span>{_("Somebody else saved this draft meanwhile.")}</span>
        <button type="button" className="btn btn-outline btn-sm" onClick={onTheirs}>
          {_("Show theirs")}
        </button>
        <button type="button" className="btn btn-outline btn-sm" onClick={onMine}>
          {_("Keep mine")}
        </button>
      </div>
    );
  const words = { saved: _("Saved"), waiting: _("Saving…"), saving: _("Saving…"), failed: "" };
  return (
    <span className={`wf-saved wf-saved-${saving.state}`} role="status">
      <Icon name={saving.state === "failed" ? "cloud-off" : saving.state === "saved" ? "check" : "loader-2"} />
      {saving.state === "failed" ? _("Not saved: %(why)s", { why: saving.why }) : words[saving.state]}
    </span>
  );
}

function Discard({ place, onClose, onLeave }: { place: Place; onClose: () => void; onLeave: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="discard-title" onClose={onClose}>
      <div className="dialog-head">
        <h2 id="discard-title">{_("Throw this draft away?")}</h2>
        <button className="btn btn-quiet" type="button" data-close="" aria-label={_("Close")}>
          <Icon name="x" />
        </button>
      </div>
      <div className="dialog-body">
        <p>{_("What has been published stays as it is.")}</p>
        {problem && (
          <div className="alert alert-danger" role="alert">
            <Icon name="alert-circle" />
            <div>{problem}</div>
          </div>
        )}
        <button
          type="button"
          className="btn btn-danger"
          onClick={async () => {
            try {
              await discard(place.draft);
              onLeave();
              window.location.assign(place.listUrl);
            } catch (error) {
              setProblem(error instanceof Refused ? error.message : _("No connection."));
            }
          }}
        >
          {_("Throw it away")}
        </button>
      </div>
    </dialog>
  );
}

function Publish({ doc, place, onClose, onLeave }: { doc: Doc; place: Place; onClose: () => void; onLeave: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const people = doc.tasks.filter((task) => kindOf(task) === "manual").length;
  return (
    <dialog ref={dialog} aria-labelledby="publish-title" onClose={onClose}>
      <div className="dialog-head">
        <h2 id="publish-title">{_("Publish “%(title)s”", { title: doc.title })}</h2>
        <button className="btn btn-quiet" type="button" data-close="" aria-label={_("Close")}>
          <Icon name="x" />
        </button>
      </div>
      <form
        className="dialog-body"
        onSubmit={async (event) => {
          event.preventDefault();
          setBusy(true);
          try {
            const { public_id } = await publish(doc, note);
            // It has become a version; a draft that cannot be cleared away now is there at the next edit.
            await discard(place.draft).catch(() => undefined);
            onLeave();
            window.location.assign(place.definitionUrl.replace("/0/", `/${public_id}/`));
          } catch (error) {
            setBusy(false);
            setProblem(error instanceof Refused ? [error.message, ...Object.values(error.fields).flat()].slice(0, 5).join(" ") : _("No connection."));
          }
        }}
      >
        <p>
          {ngettext("%(n)s task", "%(n)s tasks", doc.tasks.length)}
          {people > 0 && `, ${ngettext("%(n)s for people", "%(n)s for people", people)}`}. {_("New runs start on it at once; runs under way stay on their version.")}
        </p>
        {problem && (
          <div className="alert alert-danger" role="alert">
            <Icon name="alert-circle" />
            <div>{problem}</div>
          </div>
        )}
        <div className="field">
          <label className="form-label" htmlFor="publish-note">
            {_("What is new?")}
          </label>
          <textarea id="publish-note" className="form-control" rows={3} maxLength={500} value={note} onChange={(event) => setNote(event.target.value)} />
          <span className="form-hint">{_("Colleagues read it beside the version.")}</span>
        </div>
        <button type="submit" className="btn btn-primary" disabled={busy}>
          {_("Publish")}
        </button>
      </form>
    </dialog>
  );
}
