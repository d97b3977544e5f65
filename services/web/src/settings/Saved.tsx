interface Properties {
  saving: boolean;
  saved: boolean;
  /** Whether there is anything to save. */
  changed: boolean;
}

/** The button that saves a form, and what became of it. */
export function Saved({ saving, saved, changed }: Properties) {
  return (
    <div className="saved">
      <button type="submit" className="button" disabled={saving || !changed}>
        Save
      </button>
      <p className="quiet" role="status">
        {saving ? "Saving" : saved && !changed ? "Saved. The next question is answered by it." : ""}
      </p>
    </div>
  );
}
