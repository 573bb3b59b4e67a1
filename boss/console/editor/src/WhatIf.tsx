// A dry run: choose inputs and outcomes, see the way it takes, how long, whose work, and what a reversal would undo.
import { useEffect, useState } from "react";
import { type Answer, Refused, simulate, type Simulated, type SimulatedTask } from "./api";
import { type Characteristic, type Doc, type Json, kindOf, titleOf } from "./document";
import { useEditing } from "./editing";
import { Field, Fold, ValueBox } from "./fields";
import { Icon } from "./Icon";
import { outputsOf } from "./names";
import { duration, gettext as _, ngettext } from "./words";

export interface Question {
  inputs: Record<string, Json>;
  answers: Record<string, Answer>;
  reverseAt: string | null;
}

const WORDS: Record<SimulatedTask["state"], [() => string, string, string]> = {
  done: [() => _("done"), "check", "ok"],
  skipped: [() => _("left out"), "circle-minus", "idle"],
  attention: [() => _("needs a person"), "alert-triangle", "bad"],
  waiting: [() => _("waits"), "hourglass", "wait"],
};

const HOW: Record<string, () => string> = {
  undone: () => _("undone"),
  handler: () => _("undone by its handler"),
  people: () => _("a person undoes it"),
  manual: () => _("a person undoes it"),
  kept: () => _("stays"),
  nothing: () => _("nothing to undo"),
  none: () => _("nothing to undo"),
  stopped: () => _("is not begun"),
  after_attempt: () => _("after its attempt"),
};

const PEOPLE = new Set(["people", "manual"]);

/** Values a run could begin with, so that there is something to see at once. */
export function firstInputs(doc: Doc): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const item of doc.inputs ?? []) {
    if (item.default !== undefined && item.default !== null) values[item.key] = item.default;
    else if (!item.required) continue;
    else if (item.type === "integer" || item.type === "decimal") values[item.key] = item.minimum ?? 1;
    else if (item.type === "boolean") values[item.key] = true;
    else if (item.choices?.length) values[item.key] = typeof item.choices[0] === "string" ? item.choices[0] : item.choices[0]![0];
  }
  return values;
}

/** Asks again whenever the drawing or a choice changes; what is on its way for an older one is dropped. */
export function useSimulation(doc: Doc, question: Question | null): { found: Simulated | null; problem: string } {
  const [found, setFound] = useState<Simulated | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    if (!question) {
      setFound(null);
      setProblem("");
      return undefined;
    }
    let isOld = false;
    const timer = setTimeout(async () => {
      try {
        // Answers about tasks that are no longer drawn are kept for an undo, but not sent.
        const known = new Set(doc.tasks.map((task) => task.key));
        const answers = Object.fromEntries(Object.entries(question.answers).filter(([key]) => known.has(key)));
        const reverseAt = question.reverseAt !== null && known.has(question.reverseAt) ? question.reverseAt : null;
        const answer = await simulate(doc, question.inputs, answers, reverseAt);
        if (isOld) return;
        setFound(answer);
        setProblem("");
      } catch (error) {
        if (isOld) return;
        setFound(null);
        const told = error instanceof Refused ? [error.message, ...Object.entries(error.fields).map(([place, texts]) => `${place}: ${texts.join(" ")}`)] : [_("No connection.")];
        setProblem(told.slice(0, 4).join(" "));
      }
    }, 250);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [doc, question]);
  return { found, problem };
}

function spanOf(start: number, end: number): string {
  if (start < end) return _("from %(start)s to %(end)s", { start: duration(start), end: duration(end) });
  return start === 0 ? _("at once") : _("after %(time)s", { time: duration(end) });
}

export function WhatIf({ question, onChange, found, problem }: { question: Question; onChange: (question: Question) => void; found: Simulated | null; problem: string }) {
  const { doc, palette, choose } = useEditing();
  const answer = (key: string, change: Answer) => onChange({ ...question, answers: { ...question.answers, [key]: { ...question.answers[key], ...change } } });
  const input = (item: Characteristic) => (
    <Field key={item.key} label={titleOf(item)}>
      {(control) => (
        <ValueBox
          control={control}
          item={item}
          value={question.inputs[item.key]}
          onChange={(value) => {
            const inputs = { ...question.inputs };
            if (value === undefined) delete inputs[item.key];
            else inputs[item.key] = value;
            onChange({ ...question, inputs });
          }}
        />
      )}
    </Field>
  );
  // What a condition reads decides the way; the rest is only passed on.
  const conditions = JSON.stringify(doc.tasks.map((task) => task.when ?? null));
  const deciding = (doc.inputs ?? []).filter((item) => conditions.includes(`"inputs.${item.key}"`));
  const others = (doc.inputs ?? []).filter((item) => !deciding.includes(item));
  return (
    <div className="wf-form">
      {deciding.length > 0 && <div className="wf-asked">{deciding.map(input)}</div>}
      {others.length > 0 && (
        <Fold className="wf-part" title={deciding.length ? _("Further run inputs") : _("Run inputs")}>
          <div className="wf-part-body">{others.map(input)}</div>
        </Fold>
      )}
      {problem && (
        <div className="alert alert-warning" role="status">
          <Icon name="alert-triangle" />
          <div>{problem}</div>
        </div>
      )}
      {found && (
        <>
          <p className="wf-lead" role="status">
            {found.completes ? _("It takes about %(time)s.", { time: duration(found.lead_seconds) }) : _("It does not end this way: somebody has to step in.")}
          </p>
          {found.work.length > 0 && (
            <dl className="facts wf-work">
              {found.work.map((one) => (
                <div key={one.pool}>
                  <dt>{palette.pools.find((pool) => pool.key === one.pool)?.name || one.pool || _("Nobody in particular")}</dt>
                  <dd>
                    {ngettext("%(n)s task", "%(n)s tasks", one.tasks)}
                    {one.seconds > 0 && `, ${duration(one.seconds)}`}
                  </dd>
                </div>
              ))}
            </dl>
          )}
          {question.reverseAt !== null && (
            <section aria-label={_("What a reversal would undo")}>
              <h2 className="wf-h">{_("Undone after “%(title)s”", { title: doc.tasks.find((task) => task.key === question.reverseAt)?.title ?? "" })}</h2>
              {found.reversal.length ? (
                <ol className="wf-path">
                  {found.reversal.map((step) => (
                    <li key={step.key}>
                      <span className="grow">
                        {step.title}
                        <small>
                          {HOW[step.how]?.() ?? step.how}
                          {step.pool && PEOPLE.has(step.how) && ` (${palette.pools.find((pool) => pool.key === step.pool)?.name ?? step.pool})`}
                          {step.follow_up && `. ${step.follow_up}`}
                        </small>
                      </span>
                    </li>
                  ))}
                </ol>
              ) : (
                <p className="form-hint">{_("Nothing has been left behind by then.")}</p>
              )}
            </section>
          )}
          <h2 className="wf-h">{_("The way it takes")}</h2>
          <ol className="wf-path">
            {found.path.map((one) => (
              <Step key={one.key} one={one} answer={question.answers[one.key]} isReversed={question.reverseAt === one.key} onAnswer={(change) => answer(one.key, change)} onReverse={() => {
                  onChange({ ...question, reverseAt: question.reverseAt === one.key ? null : one.key });
                  document.getElementById("wf-shown")?.scrollTo({ top: 0 });
                }} onShow={() => choose([one.key])} />
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

function Step({ one, answer, isReversed, onAnswer, onReverse, onShow }: { one: SimulatedTask; answer: Answer | undefined; isReversed: boolean; onAnswer: (answer: Answer) => void; onReverse: () => void; onShow: () => void }) {
  const { doc, palette } = useEditing();
  const task = doc.tasks.find((other) => other.key === one.key);
  const [word, icon, tone] = WORDS[one.state];
  const outputs = task ? outputsOf(task, palette).filter((item) => item.key !== "timed_out") : [];
  // Outputs matter here only where a condition or a parameter reads them.
  const text = JSON.stringify(doc.tasks);
  const read = outputs.filter((item) => text.includes(`"tasks.${one.key}.${item.key}`));
  const isSignal = task && kindOf(task) === "wait" && task.signal;
  return (
    <li className={isReversed ? "chosen" : ""}>
      <div className="wf-step">
        <button type="button" className="wf-link grow" onClick={onShow}>
          {one.title}
          <small>
            {one.starts_at !== null && one.ends_at !== null && one.state !== "skipped" && spanOf(one.starts_at, one.ends_at)}
            {one.state !== "done" && one.why && ` ${one.why}`}
          </small>
        </button>
        <span className={`status tone-${tone}`}>
          <Icon name={icon} />
          {word()}
        </span>
      </div>
      {one.state !== "skipped" && one.starts_at !== null && (
        <div className="wf-step">
          <select className="form-select form-select-sm" aria-label={_("Outcome of “%(title)s”", { title: one.title })} value={answer?.outcome ?? "done"} onChange={(event) => onAnswer({ outcome: event.target.value as "done" | "fails" | "skipped" })}>
            <option value="done">{_("succeeds")}</option>
            <option value="fails">{_("fails")}</option>
            {task?.skippable && <option value="skipped">{_("is left out")}</option>}
          </select>
          <button type="button" className="btn btn-quiet btn-sm" aria-pressed={isReversed} onClick={onReverse}>
            <Icon name="arrow-back-up" />
            {_("undo here")}
          </button>
        </div>
      )}
      {isSignal && (
        <label className="choice">
          <input type="checkbox" className="form-check-input" checked={answer?.signal ?? true} onChange={(event) => onAnswer({ signal: event.target.checked })} />
          <span>{_("The signal comes in time")}</span>
        </label>
      )}
      {one.state === "done" &&
        read.map((item) => (
          <Field key={item.key} label={titleOf(item)}>
            {(control) => <ValueBox control={control} item={item} value={answer?.outputs?.[item.key]} onChange={(value) => onAnswer({ outputs: { ...(answer?.outputs ?? {}), [item.key]: value ?? null } })} />}
          </Field>
        ))}
    </li>
  );
}
