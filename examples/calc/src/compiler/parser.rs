//! From tokens to functions. The grammar:
//!
//! ```text
//! program   = { function }
//! function  = [ "extern" [ STRING ] ] "fn" NAME "(" params ")" [ "->" TYPE ] ( block | ";" )
//! params    = [ NAME ":" TYPE { "," NAME ":" TYPE } ]
//! block     = "{" { statement } [ expr ] "}"
//! statement = "let" NAME "=" expr ";" | expr ";" | if
//! expr      = sum [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) sum ]
//! sum       = product { ( "+" | "-" ) product }
//! product   = unary { ( "*" | "/" | "%" ) unary }
//! unary     = "-" unary | NUMBER | STRING | NAME | NAME "(" args ")" | "(" expr ")" | if
//! if        = "if" expr block [ "else" ( if | block ) ]
//! ```

use std::sync::Arc;

use super::ast::{BinaryOp, Block, Expr, ExprKind, Function, FunctionKind, Param, Statement, Type};
use super::lexer::{Token, tokens};
use super::source::{Diagnostic, Pos, Source};

/// How deep expressions can be nested: everything that walks them recurses, and no program
/// is to exhaust the compiler's stack.
const MAX_DEPTH: u32 = 200;

const KEYWORDS: &[&str] = &["fn", "extern", "let", "if", "else"];

type Result<T> = std::result::Result<T, Diagnostic>;

/// The functions of a source text.
pub(crate) fn parse_program(source: &Arc<Source>) -> Result<Vec<Function>> {
    let mut parser = Parser::new(source)?;
    let mut functions = Vec::new();
    while *parser.peek() != Token::End {
        functions.push(parser.function()?);
    }
    Ok(functions)
}

/// Statements and at most one expression, as between the braces of a block.
pub(crate) fn parse_block(source: &Arc<Source>) -> Result<Block> {
    let mut parser = Parser::new(source)?;
    parser.block_until(&Token::End)
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    tokens: Vec<(Pos, Token)>,
    next: usize,
    /// How many expressions and blocks are being parsed, one within the other.
    nesting: u32,
}

impl<'a> Parser<'a> {
    fn new(source: &'a Arc<Source>) -> Result<Self> {
        Ok(Self {
            source,
            tokens: tokens(source)?,
            next: 0,
            nesting: 0,
        })
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next].1
    }

    fn at(&self) -> Pos {
        self.tokens[self.next].0
    }

    /// Takes the next token. The last one, the end, is never passed.
    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.next += 1;
        }
        token
    }

    fn error<T>(&self, at: Pos, message: impl Into<String>) -> Result<T> {
        Err(Diagnostic::new(self.source, at, message))
    }

    fn expected<T>(&self, what: &str) -> Result<T> {
        self.error(self.at(), format!("expected {what}, found {}", self.peek()))
    }

    fn has_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), Token::Mark(found) if *found == mark)
    }

    fn has_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found == word)
    }

    fn skip_mark(&mut self, mark: &str) -> bool {
        let found = self.has_mark(mark);
        self.next += usize::from(found);
        found
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.has_word(word);
        self.next += usize::from(found);
        found
    }

    fn mark(&mut self, mark: &str) -> Result<()> {
        if self.skip_mark(mark) {
            return Ok(());
        }
        self.expected(&format!("`{mark}`"))
    }

    fn name(&mut self, what: &str) -> Result<String> {
        match self.peek() {
            Token::Word(word) if !KEYWORDS.contains(&word.as_str()) => {
                let word = word.clone();
                self.next += 1;
                Ok(word)
            }
            _ => self.expected(what),
        }
    }

    fn ty(&mut self) -> Result<Type> {
        if let Token::Word(word) = self.peek()
            && let Some(ty) = Type::named(word)
        {
            self.next += 1;
            return Ok(ty);
        }
        self.expected("a type (`i32`, `i64` or `str`)")
    }

    fn function(&mut self) -> Result<Function> {
        let mut is_extern = false;
        let mut module = None;
        if self.skip_word("extern") {
            is_extern = true;
            if let Token::Text(name) = self.peek() {
                module = Some(name.clone());
                self.next += 1;
            }
        }
        if !self.skip_word("fn") {
            return self.expected(if is_extern {
                "`fn`"
            } else {
                "`fn` or `extern`"
            });
        }
        let at = self.at();
        let name = self.name("the name of the function")?;
        let params = self.params()?;
        let result = if self.skip_mark("->") {
            Some(self.ty()?)
        } else {
            None
        };
        let kind = if is_extern {
            self.mark(";")?;
            FunctionKind::Extern { module }
        } else if self.skip_mark(";") {
            FunctionKind::Promised
        } else if self.has_mark("{") {
            FunctionKind::Defined(self.block()?)
        } else {
            return self.expected("the body `{ … }`, or `;` to define the function later");
        };
        Ok(Function {
            source: Arc::clone(self.source),
            at,
            name,
            params,
            result,
            kind,
        })
    }

    fn params(&mut self) -> Result<Vec<Param>> {
        self.mark("(")?;
        let mut params: Vec<Param> = Vec::new();
        while !self.skip_mark(")") {
            if !params.is_empty() {
                self.mark(",")?;
            }
            let at = self.at();
            let name = self.name("the name of a parameter")?;
            if params.iter().any(|param| param.name == name) {
                return self.error(at, format!("there is a parameter `{name}` already"));
            }
            self.mark(":")?;
            let ty = self.ty()?;
            params.push(Param { name, ty });
        }
        Ok(params)
    }

    /// Parses with `parse` what is nested in what is being parsed.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting == MAX_DEPTH {
            return self.error(self.at(), "this is nested too deep");
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    fn block(&mut self) -> Result<Block> {
        self.mark("{")?;
        self.nested(|parser| parser.block_until(&Token::Mark("}")))
    }

    fn block_until(&mut self, end: &Token) -> Result<Block> {
        let mut statements = Vec::new();
        let mut value = None;
        while self.peek() != end {
            if self.skip_word("let") {
                let name = self.name("the name of the variable")?;
                self.mark("=")?;
                let expr = self.expr()?;
                self.mark(";")?;
                statements.push(Statement::Let { name, value: expr });
                continue;
            }
            let is_if = self.has_word("if");
            let expr = if is_if { self.if_()? } else { self.expr()? };
            if self.peek() == end {
                value = Some(Box::new(expr));
            } else if self.skip_mark(";") || is_if {
                statements.push(Statement::Expr(expr));
            } else {
                return self.expected(&format!("`;` or {end}"));
            }
        }
        let at = self.at();
        self.take();
        Ok(Block {
            statements,
            value,
            end: at,
        })
    }

    /// Makes an expression of its parts.
    fn node(&self, at: Pos, parts: &[u32], kind: ExprKind) -> Result<Expr> {
        let depth = 1 + parts.iter().max().unwrap_or(&0);
        if depth > MAX_DEPTH {
            return self.error(at, "this expression is too deep; split it with `let`");
        }
        Ok(Expr { at, kind, depth })
    }

    fn expr(&mut self) -> Result<Expr> {
        let left = self.sum()?;
        let op = match self.peek() {
            Token::Mark("==") => BinaryOp::Eq,
            Token::Mark("!=") => BinaryOp::Ne,
            Token::Mark("<") => BinaryOp::Lt,
            Token::Mark("<=") => BinaryOp::Le,
            Token::Mark(">") => BinaryOp::Gt,
            Token::Mark(">=") => BinaryOp::Ge,
            _ => return Ok(left),
        };
        self.binary(op, left, Self::sum)
    }

    fn sum(&mut self) -> Result<Expr> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Mark("+") => BinaryOp::Add,
                Token::Mark("-") => BinaryOp::Sub,
                _ => return Ok(left),
            };
            left = self.binary(op, left, Self::product)?;
        }
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.unary()?;
        loop {
            let op = match self.peek() {
                Token::Mark("*") => BinaryOp::Mul,
                Token::Mark("/") => BinaryOp::Div,
                Token::Mark("%") => BinaryOp::Rem,
                _ => return Ok(left),
            };
            left = self.binary(op, left, Self::unary)?;
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: Expr,
        parse_right: fn(&mut Self) -> Result<Expr>,
    ) -> Result<Expr> {
        let at = self.at();
        self.take();
        let right = parse_right(self)?;
        let depths = [left.depth, right.depth];
        let (left, right) = (Box::new(left), Box::new(right));
        self.node(at, &depths, ExprKind::Binary { op, left, right })
    }

    fn unary(&mut self) -> Result<Expr> {
        self.nested(Self::unary_inside)
    }

    fn unary_inside(&mut self) -> Result<Expr> {
        if self.has_word("if") {
            return self.if_();
        }
        let at = self.at();
        match self.take() {
            Token::Mark("-") => {
                if let Token::Number(number) = *self.peek() {
                    self.next += 1;
                    return match 0i64.checked_sub_unsigned(number) {
                        Some(number) => self.node(at, &[], ExprKind::Number(number)),
                        None => self.error(at, format!("`-{number}` does not fit in 64 bits")),
                    };
                }
                let value = self.unary()?;
                self.node(at, &[value.depth], ExprKind::Negate(Box::new(value)))
            }
            Token::Number(number) => match i64::try_from(number) {
                Ok(number) => self.node(at, &[], ExprKind::Number(number)),
                Err(_) => self.error(at, format!("`{number}` does not fit in 64 bits")),
            },
            Token::Text(text) => self.node(at, &[], ExprKind::Text(text)),
            Token::Word(name) if !KEYWORDS.contains(&name.as_str()) => {
                if !self.has_mark("(") {
                    return self.node(at, &[], ExprKind::Name(name));
                }
                let args = self.args()?;
                let depths: Vec<u32> = args.iter().map(|arg| arg.depth).collect();
                self.node(at, &depths, ExprKind::Call { name, args })
            }
            Token::Mark("(") => {
                let value = self.expr()?;
                self.mark(")")?;
                Ok(value)
            }
            found => self.error(at, format!("expected an expression, found {found}")),
        }
    }

    fn args(&mut self) -> Result<Vec<Expr>> {
        self.mark("(")?;
        let mut args = Vec::new();
        while !self.skip_mark(")") {
            if !args.is_empty() {
                self.mark(",")?;
            }
            args.push(self.expr()?);
        }
        Ok(args)
    }

    fn if_(&mut self) -> Result<Expr> {
        let at = self.at();
        self.take();
        let condition = Box::new(self.expr()?);
        let then = self.block()?;
        let otherwise = if !self.skip_word("else") {
            None
        } else if self.has_word("if") {
            let end = self.at();
            let inner = self.nested(Self::if_)?;
            Some(Block {
                statements: Vec::new(),
                value: Some(Box::new(inner)),
                end,
            })
        } else {
            Some(self.block()?)
        };
        let blocks = [Some(&then), otherwise.as_ref()];
        let inside = blocks.into_iter().flatten().map(depth).max().unwrap_or(0);
        let depths = [condition.depth, inside];
        let kind = ExprKind::If {
            condition,
            then,
            otherwise,
        };
        self.node(at, &depths, kind)
    }
}

fn depth(block: &Block) -> u32 {
    let statements = block.statements.iter().map(|statement| match statement {
        Statement::Let { value, .. } => value.depth,
        Statement::Expr(expr) => expr.depth,
    });
    let value = block.value.iter().map(|value| value.depth);
    statements.chain(value).max().unwrap_or(0)
}
