// What can be put on the canvas: dragged there, or added behind the chosen task by click and Enter.
import { useState } from "react";
import type { Handler } from "./api";
import type { Kind, Task } from "./document";
import { useEditing } from "./editing";
import { Icon, KIND_ICONS } from "./Icon";
import { gettext as _ } from "./words";

export const DRAGGED = "application/x-boss-task";

export type Wanted = Partial<Task> & { title: string };

interface Offer {
  id: string;
  title: string;
  hint: string;
  icon: string;
  task: Wanted;
  mark?: string;
}

const handlerOffer = (handler: Handler): Offer => ({
  id: handler.key,
  title: handler.title,
  hint: handler.key,
  icon: handler.local ? "bolt" : "server-bolt",
  task: { title: handler.title, handler: handler.key },
  ...(handler.undo === "missing" ? { mark: _("cannot undo") } : {}),
});

const ROOMS = (): Record<string, string> => ({ subscribers: _("Subscribers"), ipservices: _("Services"), catalog: _("Catalog"), ticketing: _("Tickets"), notify: _("Messages") });

/** The room a handler comes from; one of a third party by its own name. */
const roomWords = (room: string): string => ROOMS()[room] ?? room.charAt(0).toUpperCase() + room.slice(1).replaceAll("_", " ");

function kinds(hasDefinitions: boolean): Offer[] {
  const offer = (kind: Kind, title: string, hint: string): Offer => ({ id: kind, title, hint, icon: KIND_ICONS[kind], task: { title, kind } });
  const people = [offer("manual", _("People’s work"), _("A person does it and fills in a form")), offer("wait", _("Wait"), _("For a time or a signal"))];
  if (!hasDefinitions) return people;
  return [...people, offer("subflow", _("Another workflow"), _("Runs it as a part of this one")), offer("each", _("For each of a list"), _("One run of a workflow for every item"))];
}

export function Palette({ onAdd }: { onAdd: (task: Wanted) => void }) {
  const { doc, palette } = useEditing();
  const [text, setText] = useState("");
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (offer: Offer) => words.every((word) => `${offer.title} ${offer.hint}`.toLowerCase().includes(word));
  const rooms = new Map<string, Offer[]>();
  rooms.set(_("Steps"), kinds(palette.definitions.some((one) => one.key !== doc.key)));
  for (const handler of palette.handlers) {
    const room = roomWords(handler.room);
    rooms.set(room, [...(rooms.get(room) ?? []), handlerOffer(handler)]);
  }
  const groups = [...rooms].map(([room, offers]): [string, Offer[]] => [room, offers.filter(found)]).filter(([, offers]) => offers.length);
  return (
    <section className="wf-palette" aria-label={_("What can be added")}>
      <div className="wf-palette-search">
        <input type="search" className="form-control" placeholder={_("Search tasks")} aria-label={_("Search tasks")} value={text} onChange={(event) => setText(event.target.value)} />
      </div>
      <div className="wf-palette-list">
        {groups.map(([room, offers]) => (
          <div key={room} role="group" aria-label={room}>
            <h2>{room}</h2>
            {offers.map((offer) => (
              <button
                key={offer.id}
                type="button"
                className="wf-offer"
                title={offer.hint}
                draggable
                onDragStart={(event) => {
                  event.dataTransfer.setData(DRAGGED, JSON.stringify(offer.task));
                  event.dataTransfer.effectAllowed = "copy";
                }}
                onClick={() => onAdd(offer.task)}
              >
                <Icon name={offer.icon} />
                <span>{offer.title}</span>
                {offer.mark && <small>{offer.mark}</small>}
              </button>
            ))}
          </div>
        ))}
        {!groups.length && <p className="form-hint">{_("Nothing is called like that.")}</p>}
      </div>
    </section>
  );
}
