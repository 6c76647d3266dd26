//! One comparison of a range, such as `>=1.2` or `~1.x`.

use super::version;
use semver::Version;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

/// Two letters before one: the first that fits is meant.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::AtLeast),
    ("=>", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("=<", Operator::AtMost),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// How much of the version was written; what was not counts as any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Nothing,
    Major,
    Minor,
    Whole,
}

/// An operator and a version, which may be written in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    operator: Operator,
    than: Version,
    written: Written,
}

/// Reads comparisons that must all hold.
pub(super) fn all(text: &str) -> Option<Vec<Comparison>> {
    let mut words: Vec<&str> = Vec::new();
    for part in text.split(',') {
        if text.contains(',') && part.trim().is_empty() {
            return None;
        }
        words.extend(part.split_whitespace());
    }
    if words.is_empty() {
        return Some(vec![Comparison::parse(Operator::Equal, "*")?]);
    }
    let mut found = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if words.peek() == Some(&"-") {
            words.next();
            found.push(Comparison::parse(Operator::AtLeast, word)?);
            found.push(Comparison::parse(Operator::AtMost, words.next()?)?);
            continue;
        }
        let mut rest = word;
        while !rest.is_empty() || word == rest {
            let (operator, after) = OPERATORS
                .iter()
                .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)))
                .unwrap_or((Operator::Equal, rest));
            // The version may stand apart from its sign: `>= 1.2`.
            let after = if after.is_empty() {
                words.next()?
            } else {
                after
            };
            // Signs also part what follows without a space: `>1<2`.
            let end = after.find(['<', '>', '=', '!', '^']).unwrap_or(after.len());
            found.push(Comparison::parse(operator, &after[..end])?);
            rest = &after[end..];
            if rest.is_empty() {
                break;
            }
        }
    }
    Some(found)
}

impl Comparison {
    fn parse(operator: Operator, text: &str) -> Option<Self> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let end = bare.find(['-', '+']).unwrap_or(bare.len());
        let (numbers, tail) = bare.split_at(end);
        let mut given = Vec::new();
        let mut open = false;
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.len() > 3 {
            return None;
        }
        for part in parts {
            if matches!(part, "x" | "X" | "*") {
                open = true;
            } else if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            } else if !open {
                given.push(part);
            }
        }
        let written = match given.len() {
            0 => Written::Nothing,
            1 => Written::Major,
            2 => Written::Minor,
            _ => Written::Whole,
        };
        while given.len() < 3 {
            given.push("0");
        }
        Some(Self {
            operator,
            than: version(&format!("{}{tail}", given.join(".")))?,
            written,
        })
    }

    pub(super) fn names_pre_release(&self) -> bool {
        !self.than.pre.is_empty()
    }

    /// Whether it holds, given that pre-releases may.
    pub(super) fn holds(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.than);
        match self.operator {
            Operator::Equal if self.written == Written::Whole => order.is_eq(),
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => match self.written {
                Written::Whole | Written::Nothing => order.is_ne(),
                Written::Major | Written::Minor => !self.same(version),
            },
            Operator::Greater => match self.written {
                Written::Whole => order.is_gt(),
                Written::Minor => {
                    (version.major, version.minor) > (self.than.major, self.than.minor)
                }
                Written::Major | Written::Nothing => version.major > self.than.major,
            },
            Operator::Less => order.is_lt(),
            Operator::AtLeast => order.is_ge(),
            Operator::AtMost => match self.written {
                Written::Whole => order.is_le(),
                Written::Minor => {
                    (version.major, version.minor) <= (self.than.major, self.than.minor)
                }
                Written::Major => version.major <= self.than.major,
                Written::Nothing => true,
            },
            Operator::Caret => self.caret(version),
        }
    }

    /// Whether what was written is the same.
    fn same(&self, version: &Version) -> bool {
        let major = version.major == self.than.major;
        match self.written {
            Written::Nothing => true,
            Written::Major => major,
            Written::Minor | Written::Whole => major && version.minor == self.than.minor,
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        version.cmp_precedence(&self.than).is_ge() && self.same(version)
    }

    /// The leftmost number that is not zero stays.
    fn caret(&self, version: &Version) -> bool {
        if version.cmp_precedence(&self.than).is_lt() {
            return false;
        }
        let than = &self.than;
        match self.written {
            Written::Nothing => true,
            Written::Major => version.major == than.major,
            _ if than.major > 0 => version.major == than.major,
            Written::Minor => version.major == 0 && version.minor == than.minor,
            Written::Whole if than.minor > 0 => version.major == 0 && version.minor == than.minor,
            Written::Whole => (version.major, version.minor, version.patch) == (0, 0, than.patch),
        }
    }
}
