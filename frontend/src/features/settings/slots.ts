export interface Slots {
  start_days: number;
  frequency_days: number;
  repeat_expired_days: number;
  repeat_expired_until_days: number;
}

/** Days before (negative) and after the end of a certificate at which mails go out; the end itself is 0. */
export function slotDays(slots: Slots): number[] {
  const { start_days: start, frequency_days: step, repeat_expired_days: repeat } = slots;
  const days: number[] = [];
  if (step >= 1) for (let left = start; left > 1; left -= step) days.push(-left);
  days.push(-1, 0);
  if (repeat >= 1) {
    for (let gone = repeat; gone <= slots.repeat_expired_until_days; gone += repeat) days.push(gone);
  }
  return days;
}

/** The slots of a digest: about once a week, whatever the frequencies say. */
export function weeklySlots(slots: Slots): Slots {
  const repeat = slots.repeat_expired_days > 0 ? 7 : 0;
  return { ...slots, frequency_days: 7, repeat_expired_days: repeat };
}
