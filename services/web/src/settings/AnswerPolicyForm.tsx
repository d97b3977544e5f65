import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState, type FormEvent } from "react";

import { answerPolicy, changeAnswerPolicy } from "../api/admin-calls";
import type { AnswerPolicy } from "../api/admin-contracts";
import { ErrorNote } from "../ui/ErrorNote";
import { changeOf, CHOICES, SWITCHES, type Choice } from "./policy";
import { Saved } from "./Saved";
import { Wishes } from "./Wishes";

export const POLICY_KEY = ["answer-policy"];

/** How the organisation's questions are answered, for its admins. */
export function AnswerPolicyForm({ organization }: { organization: string }) {
  const kept = useQuery({ queryKey: POLICY_KEY, queryFn: answerPolicy });
  const queries = useQueryClient();
  const [edits, setEdits] = useState<Partial<AnswerPolicy>>({});
  const save = useMutation({
    mutationFn: changeAnswerPolicy,
    onSuccess: (policy) => {
      queries.setQueryData(POLICY_KEY, policy);
      setEdits({});
    },
  });

  if (kept.isPending) return <p className="working">Opening</p>;
  if (kept.isError) {
    return <ErrorNote error={kept.error} retry={{ label: "Try again", action: () => void kept.refetch() }} />;
  }

  const policy = { ...kept.data, ...edits };
  const change = changeOf(kept.data, policy);
  const edit = (edited: Partial<AnswerPolicy>) => {
    save.reset();
    setEdits({ ...edits, ...edited });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(change);
  };
  return (
    <form className="settings" onSubmit={submit} aria-label={`Answers of ${organization}`}>
      <h2>Answers of {organization}</h2>
      {CHOICES.map((choice) => (
        <Chosen
          key={choice.field}
          choice={choice}
          value={policy[choice.field]}
          // The select has the field's own values alone.
          change={(value) => edit({ [choice.field]: value } as Partial<AnswerPolicy>)}
        />
      ))}
      {SWITCHES.map(({ field, label }) => (
        <label className="switch" key={field}>
          <input
            type="checkbox"
            checked={policy[field]}
            onChange={(event) => edit({ [field]: event.target.checked })}
          />
          {label}
        </label>
      ))}
      <Wishes
        label="Instructions for all answers"
        about="Tone, language and length. Where a member’s own instructions differ, these hold."
        text={policy.instructions}
        change={(instructions) => edit({ instructions })}
      />
      {save.isError && <ErrorNote error={save.error} />}
      <Saved saving={save.isPending} saved={save.isSuccess} changed={Object.keys(change).length > 0} />
    </form>
  );
}

interface ChosenProperties {
  choice: Choice;
  value: string;
  change: (value: string) => void;
}

function Chosen({ choice, value, change }: ChosenProperties) {
  const id = useId();
  return (
    <div className="setting">
      <label htmlFor={id}>{choice.label}</label>
      <select id={id} value={value} onChange={(event) => change(event.target.value)}>
        {choice.values.map((one) => (
          <option key={one.value} value={one.value}>
            {one.label}
          </option>
        ))}
      </select>
    </div>
  );
}
