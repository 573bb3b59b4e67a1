import "@xyflow/react/dist/base.css";
import { createRoot } from "react-dom/client";
import { load, palette, Refused } from "./api";
import { Editor, type Place } from "./Editor";
import { setSprite } from "./Icon";
import { gettext as _ } from "./words";

const WIDE = "(min-width: 768px)";

async function start(element: HTMLElement): Promise<void> {
  const { draft, sprite, definitionUrl, listUrl, published, mayPublish } = element.dataset;
  setSprite(sprite ?? "");
  const place: Place = {
    draft: draft ?? "",
    definitionUrl: definitionUrl ?? "",
    listUrl: listUrl ?? "",
    published: (published ?? "").split(" ").filter(Boolean),
    mayPublish: mayPublish === "yes",
  };
  try {
    const [catalogue, loaded] = await Promise.all([palette(), load(place.draft)]);
    createRoot(element).render(<Editor place={place} draft={{ ...loaded.draft, document: { ...loaded.draft.document, tasks: loaded.draft.document.tasks ?? [] } }} etag={loaded.etag} catalogue={catalogue} />);
  } catch (error) {
    element.textContent = error instanceof Refused ? error.message : _("The editor could not be loaded. Please reload the page.");
    element.classList.add("empty");
  }
}

// On a phone the page shows the drawing to read; the editor begins when there is room for it.
const element = document.getElementById("workflow-editor");
if (element) {
  const wide = window.matchMedia(WIDE);
  if (wide.matches) void start(element);
  else wide.addEventListener("change", () => void start(element), { once: true });
}
