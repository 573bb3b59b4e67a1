import type { Kind, Task } from "./document";
import { kindOf } from "./document";

let sprite = "";

/** Where the icons are, told once by the page. */
export function setSprite(address: string): void {
  sprite = address;
}

export function Icon({ name, label }: { name: string; label?: string }) {
  return (
    <svg className="icon" focusable="false" {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}>
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}

export const KIND_ICONS: Record<Kind, string> = {
  automated: "bolt",
  manual: "user",
  wait: "hourglass",
  subflow: "git-branch",
  each: "stack-2",
};

export const iconOf = (task: Task): string => KIND_ICONS[kindOf(task)];
