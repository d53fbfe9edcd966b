// Where the panes are one above the other, as in style.css.
export const isPhone = (): boolean => matchMedia("(max-width: 48rem)").matches;
