// The drawing: tasks as boxes, edges along the layered layout, or freely where somebody has moved a box.
import {
  Background,
  BaseEdge,
  type Connection,
  ControlButton,
  Controls,
  type Edge,
  type EdgeProps,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  type ReactFlowInstance,
  type ReactFlowState,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { type DragEvent, memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Simulated } from "./api";
import { connect, disconnect, type Doc, edgesOf, kindOf, mayConnect, type Point, removeTasks, type Task } from "./document";
import { problemsOf, useEditing } from "./editing";
import { conditionWords } from "./expressions";
import { Icon, iconOf } from "./Icon";
import { draw, type Drawing, NODE_HEIGHT, NODE_WIDTH, pathOf } from "./layout";
import { handlerOf, type Name, namesFor } from "./names";
import { DRAGGED, type Wanted } from "./Palette";
import { kindWords } from "./TaskForm";
import { gettext as _, ngettext } from "./words";

export interface Box {
  title: string;
  word: string;
  icon: string;
  tone: string;
  isOff: boolean;
  isConditional: boolean;
  isLocked: boolean;
  faults: number;
  warnings: number;
  [name: string]: unknown;
}

type TaskNode = Node<Box, "task">;

const TONES: Record<string, [string, string]> = {
  done: ["ok", "check"],
  skipped: ["idle", "circle-minus"],
  attention: ["bad", "alert-triangle"],
  waiting: ["wait", "hourglass"],
};

const TaskBox = memo(function TaskBox({ data, selected }: NodeProps<TaskNode>) {
  const css = ["wf-node", data.tone && `wf-${data.tone}`, data.isOff && "wf-off", data.faults > 0 && "wf-faulty", selected && "chosen"].filter(Boolean).join(" ");
  return (
    <div className={css}>
      <Handle type="target" position={Position.Top} title={_("What comes before")} />
      <Icon name={data.icon} />
      <span className="wf-node-title">{data.title}</span>
      <span className="wf-node-word">
        {data.isConditional && <Icon name="git-branch" />}
        {data.word}
      </span>
      {data.isLocked && (
        <span className="wf-node-lock">
          <Icon name="lock" />
        </span>
      )}
      {data.faults > 0 ? <span className="wf-node-count">{data.faults}</span> : data.warnings > 0 && <span className="wf-node-count wf-node-warned">{data.warnings}</span>}
      <Handle type="source" position={Position.Bottom} title={_("Drag to what comes next")} />
    </div>
  );
});

interface Way {
  path: string | null;
  [name: string]: unknown;
}

function WayEdge({ id, data, sourceX, sourceY, targetX, targetY, selected }: EdgeProps<Edge<Way>>) {
  const path = data?.path ?? pathOf([[sourceX, sourceY], [targetX, targetY]]);
  return <BaseEdge id={id} path={path} className={selected ? "chosen" : ""} markerEnd="url(#wf-tip)" interactionWidth={18} />;
}

const nodeTypes = { task: TaskBox };
const edgeTypes = { way: WayEdge };

/** Where every task stands: where somebody put it, else where the layout would. */
export function placesOf(doc: Doc, drawing: Drawing): Map<string, Point> {
  return new Map(doc.tasks.map((task) => [task.key, doc.layout?.[task.key] ?? drawing.boxes.get(task.key) ?? [0, 0]]));
}

export const drawingOf = (doc: Doc): Drawing =>
  draw(
    doc.tasks.map((task) => task.key),
    edgesOf(doc),
  );

function wordOf(task: Task, names: Name[], pool: (key: string) => string, handlerTitle: string | undefined): string {
  if (task.when !== undefined && task.when !== null) return conditionWords(task.when, names);
  if (kindOf(task) === "manual") return task.pool ? pool(task.pool) : kindWords(task);
  if (kindOf(task) === "wait" && task.signal) return _("until “%(signal)s”", { signal: task.signal });
  if (kindOf(task) === "automated") return handlerTitle && handlerTitle !== task.title ? handlerTitle : _("Automated");
  return task.definition ?? kindWords(task);
}

type Flow = ReactFlowInstance<TaskNode, Edge<Way>> | ReactFlowInstance;

interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What the drawing takes up: its boxes, and ``withWays`` the ways around them as far as the layout drew them. */
function boundsOf(doc: Doc, drawing: Drawing, withWays: boolean): Bounds | null {
  const places = [...placesOf(doc, drawing).values()];
  if (!places.length) return null;
  const corners = [...places, ...places.map(([x, y]): Point => [x + NODE_WIDTH, y + NODE_HEIGHT]), ...(withWays && !doc.layout ? [...drawing.lines.values()].flat() : [])];
  const across = corners.map(([x]) => x);
  const down = corners.map(([, y]) => y);
  const [x, y] = [Math.min(...across), Math.min(...down)];
  return { x, y, width: Math.max(...across) - x, height: Math.max(...down) - y };
}

const ROOM = 24;
const READABLE = 0.78;
const FARTHEST = 0.1;

/** The drawing from its top, whole if ``least`` allows a zoom that small; across, it is in the middle. */
function view(bounds: Bounds | null, flow: Flow, least: number, duration = 0): void {
  const canvas = document.querySelector(".wf-canvas");
  if (!bounds || !canvas) return;
  const fitting = Math.min((canvas.clientWidth - 2 * ROOM) / bounds.width, (canvas.clientHeight - 2 * ROOM) / bounds.height);
  const zoom = Math.min(1, Math.max(least, fitting));
  const x = (canvas.clientWidth - bounds.width * zoom) / 2 - bounds.x * zoom;
  void flow.setViewport({ x, y: ROOM - bounds.y * zoom, zoom }, { duration });
}

/** The whole drawing where it can be read; else from the top, as large as it must be to be read. */
export const showTop = (doc: Doc, flow: Flow): void => view(boundsOf(doc, drawingOf(doc), false), flow, READABLE);

/** Everything, however small. */
export const showAll = (doc: Doc, flow: Flow): void => view(boundsOf(doc, drawingOf(doc), true), flow, FARTHEST, 200);

/** Whether a part of the drawing is out of sight. */
function isOutOfSight(bounds: Bounds | null, [left, top, zoom]: [number, number, number], width: number, height: number): boolean {
  if (!bounds || !width) return false;
  const [x, y] = [bounds.x * zoom + left, bounds.y * zoom + top];
  return x < -1 || y < -1 || x + bounds.width * zoom > width + 1 || y + bounds.height * zoom > height + 1;
}

const CORNERS = ["bottom-right", "top-right", "top-left"] as const;
type Corner = (typeof CORNERS)[number];
const MARGIN = 12;

/** How many boxes the map would lie on in this corner; one that is being worked at counts for all others. */
function covered(corner: Corner, size: { width: number; height: number }, store: ReactFlowState, places: Map<string, Point>, watched: string[]): number {
  const [left, top, zoom] = store.transform;
  const x = corner.endsWith("right") ? store.width - size.width - 2 * MARGIN : 0;
  const y = corner.startsWith("bottom") ? store.height - size.height - 2 * MARGIN : 0;
  let count = 0;
  for (const [key, [boxX, boxY]] of places) {
    const [fromX, fromY] = [boxX * zoom + left, boxY * zoom + top];
    const isUnder = fromX < x + size.width + 2 * MARGIN && fromX + NODE_WIDTH * zoom > x && fromY < y + size.height + 2 * MARGIN && fromY + NODE_HEIGHT * zoom > y;
    if (isUnder) count += watched.includes(key) ? places.size : 1;
  }
  return count;
}

/** A map of the whole, as long as not everything is in sight. It steps aside to a corner where it hides less. */
function Overview({ bounds, places, watched }: { bounds: Bounds | null; places: Map<string, Point>; watched: string[] }) {
  const last = useRef<Corner>("bottom-right");
  // As tall or as wide as the drawing is, within 150 by 150.
  const scale = 150 / Math.max(bounds?.width ?? 1, bounds?.height ?? 1);
  const size = { width: Math.max(70, (bounds?.width ?? 1) * scale), height: Math.max(70, (bounds?.height ?? 1) * scale) };
  const corner = useStore((store: ReactFlowState): Corner | "" => {
    if (!bounds || !isOutOfSight(bounds, store.transform, store.width, store.height)) return "";
    const hides = (one: Corner) => covered(one, size, store, places, watched);
    const best = CORNERS.reduce((least, one) => (hides(one) < hides(least) ? one : least), last.current);
    return best;
  });
  if (!corner) return null;
  last.current = corner;
  return <MiniMap<TaskNode> pannable zoomable position={corner} style={size} nodeBorderRadius={24} nodeStrokeWidth={8} nodeClassName={(node) => [node.selected ? "chosen" : "", node.data.faults ? "wf-faulty" : ""].join(" ")} />;
}

export function Canvas({ chosen, onAdd, simulated }: { chosen: string[]; onAdd: (task: Wanted, at: Point) => void; simulated: Simulated | null }) {
  const { doc, palette, checked, change, choose } = useEditing();
  const flow = useReactFlow();
  const drawing = useMemo(() => drawingOf(doc), [doc]);
  const bounds = useMemo(() => boundsOf(doc, drawing, true), [doc, drawing]);
  const places = useMemo(() => placesOf(doc, drawing), [doc, drawing]);
  const [focused, setFocused] = useState<string | undefined>();
  const [moved, setMoved] = useState<Map<string, Point>>(new Map());
  const [chosenEdges, setChosenEdges] = useState<Set<string>>(new Set());
  useEffect(() => setMoved(new Map()), [doc]);

  const nodes = useMemo((): TaskNode[] => {
    const places = placesOf(doc, drawing);
    const outcomes = new Map(simulated?.path.map((one) => [one.key, one]) ?? []);
    const pool = (key: string) => palette.pools.find((one) => one.key === key)?.name ?? key;
    const by = new Map(doc.tasks.map((task) => [task.key, task]));
    return drawing.order
      .map((key) => by.get(key)!)
      .map((task) => {
        const [x, y] = moved.get(task.key) ?? places.get(task.key)!;
        const outcome = outcomes.get(task.key);
        const [tone, icon] = simulated ? (TONES[outcome?.state ?? "skipped"] ?? ["idle", "circle-dot"]) : ["", iconOf(task)];
        const faults = problemsOf(checked.faults, task.key);
        const warnings = problemsOf(checked.warnings, task.key);
        const word = wordOf(task, namesFor(doc, palette, task.key), pool, handlerOf(task, palette)?.title);
        const told = [task.title || task.key, kindWords(task), word, faults ? ngettext("%(n)s problem", "%(n)s problems", faults) : ""];
        return {
          id: task.key,
          type: "task",
          position: { x, y },
          width: NODE_WIDTH,
          height: NODE_HEIGHT,
          measured: { width: NODE_WIDTH, height: NODE_HEIGHT },
          selected: chosen.includes(task.key),
          ariaLabel: [...new Set(told.filter(Boolean))].join(", "),
          data: {
            title: task.title || task.key,
            word,
            icon,
            tone,
            isOff: simulated !== null && outcome?.state !== "done" && outcome?.state !== "attention" && outcome?.state !== "waiting",
            isConditional: task.when !== undefined,
            isLocked: task.point_of_no_return ?? false,
            faults,
            warnings,
          },
        };
      });
  }, [doc, drawing, moved, chosen, checked, palette, simulated]);

  const edges = useMemo((): Edge<Way>[] => {
    const places = placesOf(doc, drawing);
    const isAuto = (key: string) => {
      const [x, y] = moved.get(key) ?? places.get(key)!;
      const box = drawing.boxes.get(key);
      return box !== undefined && Math.abs(box[0] - x) < 0.5 && Math.abs(box[1] - y) < 0.5;
    };
    const states = new Map(simulated?.path.map((one) => [one.key, one.state]) ?? []);
    const known = new Set(doc.tasks.map((task) => task.key));
    return edgesOf(doc)
      .filter(([source]) => known.has(source))
      .map(([source, target]) => {
        const id = `${source}>${target}`;
        // The way around other boxes holds while both ends stand where the layout put them.
        const line = isAuto(source) && isAuto(target) ? drawing.lines.get(id) : undefined;
        const ends = [states.get(source), states.get(target)];
        const css = !simulated ? "" : ends.includes("skipped") || ends.includes(undefined) ? "off" : "taken";
        return { id, source, target, type: "way", className: css, selected: chosenEdges.has(id), data: { path: line ? pathOf(line) : null } };
      });
  }, [doc, drawing, moved, simulated, chosenEdges]);

  const settle = useCallback(
    (dragged: { id: string; position: { x: number; y: number } }[]) => {
      const places = placesOf(doc, drawing);
      for (const node of dragged) places.set(node.id, [Math.round(node.position.x), Math.round(node.position.y)]);
      change((now) => ({ ...now, layout: Object.fromEntries(places) }), "move");
    },
    [doc, drawing, change],
  );

  const isValid = useCallback((wanted: Connection | Edge) => mayConnect(doc, wanted.source, wanted.target), [doc]);

  return (
    <div
      className="wf-canvas"
      onFocus={(event) => setFocused(event.target.closest<HTMLElement>(".react-flow__node")?.dataset.id)}
      onDragOver={(event: DragEvent) => {
        if (event.dataTransfer.types.includes(DRAGGED)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = "copy";
        }
      }}
      onDrop={(event: DragEvent) => {
        const told = event.dataTransfer.getData(DRAGGED);
        if (!told) return;
        event.preventDefault();
        const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
        onAdd(JSON.parse(told) as Wanted, [Math.round(x - NODE_WIDTH / 2), Math.round(y - NODE_HEIGHT / 2)]);
      }}
    >
      <svg className="wf-defs" aria-hidden="true">
        <defs>
          <marker id="wf-tip" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" orient="auto">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
      </svg>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onInit={() => showTop(doc, flow)}
        minZoom={FARTHEST}
        maxZoom={2}
        snapToGrid
        snapGrid={[4, 4]}
        connectionRadius={28}
        edgesFocusable
        deleteKeyCode={null}
        selectionKeyCode="Shift"
        multiSelectionKeyCode={["Control", "Meta"]}
        isValidConnection={isValid}
        onConnect={({ source, target }) => change((now) => connect(now, source, target))}
        onNodeClick={(event, node) => {
          // Also when it is chosen already: its form is wanted.
          if (!event.ctrlKey && !event.metaKey && !event.shiftKey) choose([node.id]);
        }}
        onNodesChange={(changes) => {
          const positions = changes.filter((one) => one.type === "position" && one.position);
          if (positions.length) {
            const next = new Map(moved);
            for (const one of positions) if (one.type === "position" && one.position) next.set(one.id, [one.position.x, one.position.y]);
            setMoved(next);
            // A drag has ended, or the arrow keys have moved it.
            const ended = positions.flatMap((one) => (one.type === "position" && one.position && !one.dragging ? [{ id: one.id, position: one.position }] : []));
            if (ended.length) settle(ended);
          }
          const selections = changes.filter((one) => one.type === "select");
          if (selections.length) {
            const next = new Set(chosen);
            for (const one of selections) if (one.type === "select") one.selected ? next.add(one.id) : next.delete(one.id);
            choose([...next]);
          }
        }}
        onEdgesChange={(changes) => {
          const next = new Set(chosenEdges);
          for (const one of changes) if (one.type === "select") one.selected ? next.add(one.id) : next.delete(one.id);
          setChosenEdges(next);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Delete" && event.key !== "Backspace") return;
          event.preventDefault();
          // The box or the edge that has the focus, even if something else is chosen.
          const focused = event.target instanceof Element ? event.target.closest<HTMLElement>(".react-flow__node, .react-flow__edge")?.dataset.id : undefined;
          const isEdge = focused?.includes(">") ?? false;
          const apart = focused !== undefined && !(isEdge ? chosenEdges.has(focused) : chosen.includes(focused));
          const edgeIds = apart ? (isEdge ? [focused] : []) : [...chosenEdges];
          const keys = apart ? (isEdge ? [] : [focused]) : chosen;
          if (!edgeIds.length && !keys.length) return;
          const cut = edgeIds.map((id) => id.split(">") as [string, string]);
          change((now) => removeTasks(cut.reduce((rest, [source, target]) => disconnect(rest, source, target), now), keys));
          setChosenEdges(new Set());
          choose([]);
        }}
        ariaLabelConfig={{
          "node.a11yDescription.default": _("Enter opens the task’s form, arrows move it, Delete removes it."),
          "node.a11yDescription.keyboardDisabled": _("Enter opens the task’s form, arrows move it, Delete removes it."),
          "edge.a11yDescription.default": _("Enter chooses the edge, Delete removes it."),
          "controls.ariaLabel": _("View"),
          "controls.zoomIn.ariaLabel": _("Closer"),
          "controls.zoomOut.ariaLabel": _("Farther"),
          "minimap.ariaLabel": _("The whole drawing, small"),
        }}
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={16} size={1} />
        <Controls showInteractive={false} showFitView={false}>
          <ControlButton onClick={() => showAll(doc, flow)} title={_("Fit all")} aria-label={_("Fit all")}>
            <Icon name="maximize" />
          </ControlButton>
        </Controls>
        <Overview bounds={bounds} places={places} watched={focused ? [...chosen, focused] : chosen} />
      </ReactFlow>
      {!doc.tasks.length && (
        <div className="wf-empty">
          <p>{_("Nothing is drawn yet.")}</p>
          <p>{_("Drag a task here from the left, or click it: each is put behind the chosen one.")}</p>
        </div>
      )}
    </div>
  );
}
