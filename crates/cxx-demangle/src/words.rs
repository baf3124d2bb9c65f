//! The words that names are shown with, and the codes of types and operators.

macro_rules! words {
    ($($word:ident $text:literal,)*) => {
        /// A text that is no part of the mangled name.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Word { $($word,)* }

        const TEXTS: &[&str] = &[$($text,)*];
    };
}

words! {
    Empty "",
    Accum "_Accum",
    AnonymousNamespace "(anonymous namespace)",
    Auto "auto",
    BFloat16 "std::bfloat16_t",
    BlockLiteral "'block-literal'",
    Bool "bool",
    Char "char",
    Char16 "char16_t",
    Char32 "char32_t",
    Char8 "char8_t",
    Complex "complex",
    Decimal128 "decimal128",
    Decimal32 "decimal32",
    Decimal64 "decimal64",
    DecltypeAuto "decltype(auto)",
    Double "double",
    Ellipsis "...",
    Enum "enum",
    False "false",
    Float "float",
    Float128 "__float128",
    Fract "_Fract",
    GuardVariable "guard variable for ",
    Half "half",
    Imaginary "imaginary",
    Int "int",
    Int128 "__int128",
    InvocationOfBlock "invocation function for block in ",
    Long "long",
    LongDouble "long double",
    LongLong "long long",
    ModuleInitializer "initializer for module ",
    NonVirtualThunk "non-virtual thunk to ",
    Noexcept "noexcept",
    Null "nullptr",
    NullptrType "std::nullptr_t",
    Pixel "pixel",
    ReferenceTemporary "reference temporary for ",
    Sat "_Sat",
    Short "short",
    SignedChar "signed char",
    Std "std",
    StringLiteral "string literal",
    Struct "struct",
    SuffixL "l",
    SuffixLL "ll",
    SuffixU "u",
    SuffixUL "ul",
    SuffixULL "ull",
    TemplateParamObject "template parameter object for ",
    This "this",
    ThreadInit "thread-local initialization routine for ",
    ThreadWrapper "thread-local wrapper routine for ",
    Throw "throw",
    True "true",
    Typeinfo "typeinfo for ",
    TypeinfoName "typeinfo name for ",
    Union "union",
    Unsigned "unsigned",
    UnsignedChar "unsigned char",
    UnsignedInt "unsigned int",
    UnsignedInt128 "unsigned __int128",
    UnsignedLong "unsigned long",
    UnsignedLongLong "unsigned long long",
    UnsignedShort "unsigned short",
    VirtualThunk "virtual thunk to ",
    CovariantThunk "covariant return thunk to ",
    Void "void",
    Vtable "vtable for ",
    Vtt "VTT for ",
    Wchar "wchar_t",
    Zero "0",
}

impl Word {
    #[inline]
    pub(crate) fn text(self) -> &'static str {
        TEXTS[self as usize]
    }

    /// The builtin type with a code of one letter.
    #[inline]
    pub(crate) fn builtin(code: u8) -> Option<Word> {
        Some(match code {
            b'v' => Word::Void,
            b'w' => Word::Wchar,
            b'b' => Word::Bool,
            b'c' => Word::Char,
            b'a' => Word::SignedChar,
            b'h' => Word::UnsignedChar,
            b's' => Word::Short,
            b't' => Word::UnsignedShort,
            b'i' => Word::Int,
            b'j' => Word::UnsignedInt,
            b'l' => Word::Long,
            b'm' => Word::UnsignedLong,
            b'x' => Word::LongLong,
            b'y' => Word::UnsignedLongLong,
            b'n' => Word::Int128,
            b'o' => Word::UnsignedInt128,
            b'f' => Word::Float,
            b'd' => Word::Double,
            b'e' => Word::LongDouble,
            b'g' => Word::Float128,
            b'z' => Word::Ellipsis,
            _ => return None,
        })
    }

    /// The builtin type whose code is `D` and this letter.
    pub(crate) fn builtin_after_d(code: u8) -> Option<Word> {
        Some(match code {
            b'd' => Word::Decimal64,
            b'e' => Word::Decimal128,
            b'f' => Word::Decimal32,
            b'h' => Word::Half,
            b'i' => Word::Char32,
            b's' => Word::Char16,
            b'u' => Word::Char8,
            b'a' => Word::Auto,
            b'c' => Word::DecltypeAuto,
            b'n' => Word::NullptrType,
            _ => return None,
        })
    }
}

/// How tightly an expression binds, tightest first, as in the grammar of C++.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Precedence {
    Primary,
    Postfix,
    Unary,
    Cast,
    PointerToMember,
    Multiplicative,
    Additive,
    Shift,
    Spaceship,
    Relational,
    Equality,
    And,
    Xor,
    Or,
    LogicalAnd,
    LogicalOr,
    Conditional,
    Assignment,
    Comma,
}

/// What stands behind the code of an operator in an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// One operand; `++` and `--` are prefixes if `_` follows.
    Prefix,
    PrefixOrPostfix,
    Binary,
    Index,
    Member,
    Conditional,
    Call,
    QuotedCall,
    Conversion,
    NamedCast,
    New,
    Delete,
    EnclosedType,
    EnclosedExpr,
    /// In names alone.
    NameOnly,
}

/// An operator of the mangling: two letters in a name or an expression.
#[derive(Debug)]
pub(crate) struct Operator {
    code: [u8; 2],
    pub(crate) shape: Shape,
    pub(crate) precedence: Precedence,
    /// Functions can have its name.
    pub(crate) nameable: bool,
    pub(crate) text: &'static str,
}

/// The number of an [`Operator`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Op(u8);

const fn named(
    code: [u8; 2],
    shape: Shape,
    precedence: Precedence,
    text: &'static str,
) -> Operator {
    Operator {
        code,
        shape,
        precedence,
        nameable: true,
        text,
    }
}

const fn inner(
    code: [u8; 2],
    shape: Shape,
    precedence: Precedence,
    text: &'static str,
) -> Operator {
    Operator {
        nameable: false,
        ..named(code, shape, precedence, text)
    }
}

static OPERATORS: &[Operator] = {
    use Precedence as P;
    use Shape as S;
    &[
        named(*b"aN", S::Binary, P::Assignment, "&="),
        named(*b"aS", S::Binary, P::Assignment, "="),
        named(*b"aa", S::Binary, P::LogicalAnd, "&&"),
        named(*b"ad", S::Prefix, P::Unary, "&"),
        named(*b"an", S::Binary, P::And, "&"),
        inner(*b"at", S::EnclosedType, P::Unary, "alignof "),
        named(*b"aw", S::NameOnly, P::Primary, " co_await"),
        inner(*b"az", S::EnclosedExpr, P::Unary, "alignof "),
        inner(*b"cc", S::NamedCast, P::Postfix, "const_cast"),
        named(*b"cl", S::Call, P::Postfix, "()"),
        named(*b"cm", S::Binary, P::Comma, ","),
        named(*b"co", S::Prefix, P::Unary, "~"),
        named(*b"cp", S::QuotedCall, P::Postfix, "()"),
        inner(*b"cv", S::Conversion, P::Cast, ""),
        named(*b"dV", S::Binary, P::Assignment, "/="),
        named(*b"da", S::Delete, P::Unary, " delete[]"),
        inner(*b"dc", S::NamedCast, P::Postfix, "dynamic_cast"),
        named(*b"de", S::Prefix, P::Unary, "*"),
        named(*b"dl", S::Delete, P::Unary, " delete"),
        inner(*b"ds", S::Member, P::PointerToMember, ".*"),
        inner(*b"dt", S::Member, P::Postfix, "."),
        // LLVM's tools put parentheses around it as around an assignment.
        named(*b"dv", S::Binary, P::Assignment, "/"),
        named(*b"eO", S::Binary, P::Assignment, "^="),
        named(*b"eo", S::Binary, P::Xor, "^"),
        named(*b"eq", S::Binary, P::Equality, "=="),
        named(*b"ge", S::Binary, P::Relational, ">="),
        named(*b"gt", S::Binary, P::Relational, ">"),
        named(*b"ix", S::Index, P::Postfix, "[]"),
        named(*b"lS", S::Binary, P::Assignment, "<<="),
        named(*b"le", S::Binary, P::Relational, "<="),
        named(*b"ls", S::Binary, P::Shift, "<<"),
        named(*b"lt", S::Binary, P::Relational, "<"),
        named(*b"mI", S::Binary, P::Assignment, "-="),
        named(*b"mL", S::Binary, P::Assignment, "*="),
        named(*b"mi", S::Binary, P::Additive, "-"),
        named(*b"ml", S::Binary, P::Multiplicative, "*"),
        named(*b"mm", S::PrefixOrPostfix, P::Postfix, "--"),
        named(*b"na", S::New, P::Unary, " new[]"),
        named(*b"ne", S::Binary, P::Equality, "!="),
        named(*b"ng", S::Prefix, P::Unary, "-"),
        named(*b"nt", S::Prefix, P::Unary, "!"),
        named(*b"nw", S::New, P::Unary, " new"),
        inner(*b"nx", S::EnclosedExpr, P::Unary, "noexcept "),
        named(*b"oR", S::Binary, P::Assignment, "|="),
        named(*b"oo", S::Binary, P::LogicalOr, "||"),
        named(*b"or", S::Binary, P::Or, "|"),
        named(*b"pL", S::Binary, P::Assignment, "+="),
        named(*b"pl", S::Binary, P::Additive, "+"),
        named(*b"pm", S::Member, P::PointerToMember, "->*"),
        named(*b"pp", S::PrefixOrPostfix, P::Postfix, "++"),
        named(*b"ps", S::Prefix, P::Unary, "+"),
        named(*b"pt", S::Member, P::Postfix, "->"),
        named(*b"qu", S::Conditional, P::Conditional, "?"),
        named(*b"rM", S::Binary, P::Assignment, "%="),
        named(*b"rS", S::Binary, P::Assignment, ">>="),
        inner(*b"rc", S::NamedCast, P::Postfix, "reinterpret_cast"),
        named(*b"rm", S::Binary, P::Multiplicative, "%"),
        named(*b"rs", S::Binary, P::Shift, ">>"),
        inner(*b"sc", S::NamedCast, P::Postfix, "static_cast"),
        named(*b"ss", S::Binary, P::Spaceship, "<=>"),
        inner(*b"st", S::EnclosedType, P::Unary, "sizeof "),
        inner(*b"sz", S::EnclosedExpr, P::Unary, "sizeof "),
        inner(*b"te", S::EnclosedExpr, P::Postfix, "typeid "),
        inner(*b"ti", S::EnclosedType, P::Postfix, "typeid "),
    ]
};

/// `OPERATORS` by its letters: one more than the number, 0 for none.
static BY_CODE: [[u8; 64]; 32] = {
    let mut table = [[0; 64]; 32];
    let mut number = 0;
    while number < OPERATORS.len() {
        let [first, second] = OPERATORS[number].code;
        table[(first & 31) as usize][(second & 63) as usize] = number as u8 + 1;
        number += 1;
    }
    table
};

impl Op {
    /// The operator with this code, if there is one.
    #[inline]
    pub(crate) fn of(first: u8, second: u8) -> Option<Op> {
        if !first.is_ascii_lowercase() || !second.is_ascii_alphabetic() {
            return None;
        }
        let number = BY_CODE[(first & 31) as usize][(second & 63) as usize];
        number.checked_sub(1).map(Op)
    }

    #[inline]
    pub(crate) fn get(self) -> &'static Operator {
        &OPERATORS[self.0 as usize]
    }

    /// `>` and `>>` would end a list of template arguments.
    pub(crate) fn ends_template_args(self) -> bool {
        matches!(self.get().text, ">" | ">>")
    }
}
