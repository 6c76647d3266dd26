//! Schedules of five fields as Argo CD reads them, on the clock of a wall: no time zone, no instant.

use jiff::civil::{Date, DateTime};
use jiff::{Span, ToSpan as _};

/// Days looked at in one direction. Nothing pauses longer than from one 29 February to the next over a plain century.
const DAYS: i32 = 366 * 9;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something begins. Bits of what each field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Day of the month and day of the week are both limited: then one of the two is enough.
    either_day: bool,
}

/// One field: its name, limits and words.
struct Field {
    name: &'static str,
    from: u8,
    to: u8,
    words: &'static [&'static str],
}

impl Cron {
    /// Reads a schedule.
    ///
    /// # Errors
    /// What is wrong with it, in words, without a full stop.
    pub(super) fn read(written: &str) -> Result<Self, String> {
        let fields: Vec<&str> = written.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(
                "does not have five fields: minute, hour, day of the month, month, day of the week"
                    .to_owned(),
            );
        };
        let field = |name, from, to, words| Field {
            name,
            from,
            to,
            words,
        };
        let (minutes, _) = field("minute", 0, 59, &[]).read(minute)?;
        let (hours, _) = field("hour", 0, 23, &[]).read(hour)?;
        let (days, any_day) = field("day of the month", 1, 31, &[]).read(day)?;
        let (months, _) = field("month", 1, 12, &MONTHS).read(month)?;
        let (weekdays, any_weekday) = field("day of the week", 0, 6, &WEEKDAYS).read(weekday)?;
        let read = Self {
            minutes,
            hours,
            days,
            months,
            weekdays,
            either_day: !any_day && !any_weekday,
        };
        let begin = Date::constant(2000, 1, 1).at(0, 0, 0, 0);
        if read.next(begin).is_none() {
            return Err("names a day that no month has".to_owned());
        }
        Ok(read)
    }

    /// The newest beginning at or before a time.
    pub(super) fn last(&self, at: DateTime) -> Option<DateTime> {
        let mut date = at.date();
        for ago in 0..DAYS {
            if self.on(date) {
                let limit = if ago == 0 { minute_of(at) } else { 24 * 60 - 1 };
                if let Some(minute) = (0..=limit).rev().find(|minute| self.at_minute(*minute)) {
                    return time(date, minute);
                }
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The first beginning after a time.
    pub(super) fn next(&self, after: DateTime) -> Option<DateTime> {
        let mut date = after.date();
        for ahead in 0..DAYS {
            if self.on(date) {
                let first = if ahead == 0 { minute_of(after) + 1 } else { 0 };
                if let Some(minute) = (first..24 * 60).find(|minute| self.at_minute(*minute)) {
                    return time(date, minute);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn on(&self, date: Date) -> bool {
        let day = holds(self.days, date.day().unsigned_abs());
        let weekday = date.weekday().to_sunday_zero_offset().unsigned_abs();
        let weekday = holds(self.weekdays, weekday);
        let either = if self.either_day {
            day || weekday
        } else {
            day && weekday
        };
        either && holds(self.months, date.month().unsigned_abs())
    }

    fn at_minute(&self, of_day: u16) -> bool {
        self.hours >> (of_day / 60) & 1 == 1 && self.minutes >> (of_day % 60) & 1 == 1
    }
}

fn holds(bits: u64, value: u8) -> bool {
    bits >> value & 1 == 1
}

fn minute_of(at: DateTime) -> u16 {
    u16::from(at.hour().unsigned_abs()) * 60 + u16::from(at.minute().unsigned_abs())
}

fn time(date: Date, minute: u16) -> Option<DateTime> {
    let span: Span = i64::from(minute).minutes();
    date.at(0, 0, 0, 0).checked_add(span).ok()
}

impl Field {
    /// The bits, and whether the field limits nothing.
    fn read(&self, written: &str) -> Result<(u64, bool), String> {
        let mut bits = 0;
        let mut any = false;
        for part in written.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (part, None),
            };
            let starred = matches!(range, "*" | "?");
            let (from, to) = if starred {
                (self.from, self.to)
            } else if let Some((from, to)) = range.split_once('-') {
                (self.value(from)?, self.value(to)?)
            } else {
                let value = self.value(range)?;
                // `5/15` goes on to the end.
                (value, if step.is_some() { self.to } else { value })
            };
            if from > to {
                return Err(format!(
                    "has a range for the {} that ends before it begins: {range}",
                    self.name
                ));
            }
            // As in Argo CD: a star with a real step limits.
            any |= starred && step.unwrap_or(1) == 1;
            for value in (from..=to).step_by(usize::from(step.unwrap_or(1))) {
                bits |= 1 << value;
            }
        }
        Ok((bits, any))
    }

    fn step(&self, written: &str) -> Result<u8, String> {
        written
            .parse()
            .ok()
            .filter(|step| *step > 0)
            .ok_or_else(|| format!("has a step that is no number above 0: {written}"))
    }

    fn value(&self, written: &str) -> Result<u8, String> {
        let lower = written.to_lowercase();
        let word = self.words.iter().position(|word| *word == lower);
        let value = match word {
            Some(place) => u8::try_from(place).ok().map(|place| place + self.from),
            None => lower
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| lower.parse().ok())
                .flatten(),
        };
        value
            .filter(|value| (self.from..=self.to).contains(value))
            .ok_or_else(|| {
                format!(
                    "has a value for the {} that is not from {} to {}: “{written}”",
                    self.name, self.from, self.to
                )
            })
    }
}
