import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";

import { instructions, keepInstructions } from "../api/calls";
import { ErrorNote } from "../ui/ErrorNote";
import { Saved } from "./Saved";
import { Wishes } from "./Wishes";

const KEY = ["instructions"];

/** A person's own instructions. */
export function InstructionsForm() {
  const kept = useQuery({ queryKey: KEY, queryFn: instructions });
  const queries = useQueryClient();
  const [edited, setEdited] = useState<string | null>(null);
  const keep = useMutation({
    mutationFn: keepInstructions,
    onSuccess: (text) => {
      queries.setQueryData(KEY, text);
      setEdited(null);
    },
  });

  if (kept.isPending) return <p className="working">Opening</p>;
  if (kept.isError) {
    return <ErrorNote error={kept.error} retry={{ label: "Try again", action: () => void kept.refetch() }} />;
  }

  const text = edited ?? kept.data;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keep.mutate(text);
  };
  return (
    <form className="settings" onSubmit={submit} aria-label="Your answers">
      <h2>Your answers</h2>
      <Wishes
        label="Your instructions"
        about="Tone, language and length of the answers to your own questions: “Answer in two sentences.” They change how something is said, never what. Empty ones are removed."
        text={text}
        change={(next) => {
          keep.reset();
          setEdited(next);
        }}
      />
      {keep.isError && <ErrorNote error={keep.error} />}
      <Saved saving={keep.isPending} saved={keep.isSuccess} changed={text !== kept.data} />
    </form>
  );
}
