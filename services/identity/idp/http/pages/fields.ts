/**
 * What forms are made of.
 *
 * @module
 */
import { type Html, html } from "@mainstay/adapters/http";

/** What every form carries. */
export interface FormBasis {
  readonly csrf: string;
}

/** What shows that a form was made for this browser. */
export function csrfField(csrf: string): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}">`;
}

/** A value that goes along unseen. */
export function hiddenField(name: string, value: string | undefined): Html {
  return value === undefined
    ? html``
    : html`<input type="hidden" name="${name}" value="${value}">`;
}

/** What went wrong, read out by screen readers at once. */
export function badNotice(text: string | undefined): Html {
  return text === undefined ? html`` : html`
    <div class="notice bad" role="alert">
      <p>${text}</p>
    </div>
  `;
}

/** What went well. */
export function goodNotice(text: string | undefined): Html {
  return text === undefined ? html`` : html`
    <div class="notice good" role="status">
      <p>${text}</p>
    </div>
  `;
}

/** A labelled input. */
export interface TextField {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "password" | "email";
  readonly value?: string | undefined;
  readonly autocomplete: string;
  readonly hint?: string;
  readonly focus?: boolean;
  readonly required?: boolean;
  /** Digits or a code: large, without spell check. */
  readonly code?: "digits" | "letters";
  readonly maxLength?: number;
}

/** Renders a {@link TextField}. */
export function textField(field: TextField): Html {
  const { name, label, type = "text", hint, code, required = true } = field;
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${field.autocomplete}" maxlength="${
    field.maxLength ?? 256
  }" autocapitalize="none" spellcheck="false" ${
    field.value !== undefined && html`value="${field.value}"`
  } ${code !== undefined && html`class="code"`} ${
    code === "digits" && html`inputmode="numeric"`
  } ${required && html`required`} ${field.focus && html`autofocus`} ${
    hint !== undefined && html`aria-describedby="${name}-hint"`
  }>
${
    hint !== undefined &&
    html`<span class="hint" id="${name}-hint">${hint}</span>`
  }
</div>`;
}
