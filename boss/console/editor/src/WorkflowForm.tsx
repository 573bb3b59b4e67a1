// The form of the workflow itself: its name, what a run is given, what it gives to a parent.
import { useState } from "react";
import { freshKey, type Json, renameInput, slug } from "./document";
import { CharacteristicsField } from "./CharacteristicsField";
import { useEditing } from "./editing";
import { ExpressionField } from "./ExpressionField";
import { AreaField, Field, TextField } from "./fields";
import { Icon } from "./Icon";
import { namesFor } from "./names";
import { gettext as _ } from "./words";

export function WorkflowForm() {
  const { doc, palette, change } = useEditing();
  const names = namesFor(doc, palette);
  const setResults = (results: Record<string, Json>, tag = "") =>
    change((now) => {
      const { results: _gone, ...rest } = now;
      return Object.keys(results).length ? { ...rest, results } : rest;
    }, tag);
  const results = doc.results ?? {};
  return (
    <div className="wf-form">
      <TextField label={_("Title")} place="title" value={doc.title} onChange={(title) => change((now) => ({ ...now, title }), "title")} />
      <Field label={_("Key")} place="key" hint={_("How plans and the API name it. It stays as it was begun.")}>
        {(control) => <input {...control} className="form-control" value={doc.key} readOnly />}
      </Field>
      <AreaField label={_("Description")} place="description" value={doc.description ?? ""} onChange={(description) => change((now) => ({ ...now, description }), "description")} />
      <h2 className="wf-h">{_("What a run is given")}</h2>
      <CharacteristicsField
        plain
        noun={_("Run input")}
        place="inputs"
        items={doc.inputs ?? []}
        onChange={(inputs, tag) => change((now) => ({ ...now, inputs }), tag)}
        onRename={(from, to) => change((now) => renameInput(now, from, to))}
      />
      <h2 className="wf-h">{_("What it gives to a workflow it is part of")}</h2>
      {Object.entries(results).map(([name, value]) => (
        <div className="wf-result" key={name}>
          <ExpressionField label={name} item={{ key: name, type: "any" }} required names={names} place={`results.${name}`} value={value} onChange={(next) => setResults({ ...results, [name]: next ?? null }, `results.${name}`)} />
          <button type="button" className="btn btn-quiet wf-small" aria-label={_("Remove result %(name)s", { name })} onClick={() => setResults(Object.fromEntries(Object.entries(results).filter(([key]) => key !== name)))}>
            <Icon name="x" />
          </button>
        </div>
      ))}
      <NewResult onAdd={(name) => setResults({ ...results, [freshKey(slug(name), Object.keys(results))]: null })} />
    </div>
  );
}

function NewResult({ onAdd }: { onAdd: (name: string) => void }) {
  const [name, setName] = useState("");
  return (
    <div className="wf-pair">
      <input className="form-control" aria-label={_("Name of a further result")} placeholder={_("Name of a result")} value={name} onChange={(event) => setName(event.target.value)} />
      <button
        type="button"
        className="btn btn-outline"
        disabled={!name.trim()}
        onClick={() => {
          onAdd(name);
          setName("");
        }}
      >
        <Icon name="plus" />
        {_("Result")}
      </button>
    </div>
  );
}
