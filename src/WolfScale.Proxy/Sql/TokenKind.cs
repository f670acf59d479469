namespace WolfScale.Proxy.Sql;

/// <summary>What a token is. Comments and blanks are no tokens.</summary>
public enum TokenKind : byte
{
    /// <summary>The text is at its end.</summary>
    End,

    /// <summary>An unquoted word that may be a keyword.</summary>
    Word,

    /// <summary>An unquoted identifier that is no keyword, because of its place (beside a dot) or its first character (a digit).</summary>
    Name,

    /// <summary>An identifier in backquotes, or in double quotes under ANSI_QUOTES.</summary>
    QuotedName,

    /// <summary><c>'..'</c>, <c>".."</c>, <c>x'..'</c>, <c>b'..'</c>, <c>n'..'</c>. A character set introducer is a word of its own.</summary>
    String,

    Number,

    /// <summary><c>@a</c>, <c>@'a'</c>, and the host of <c>user@host</c>.</summary>
    UserVariable,

    /// <summary><c>@@x</c>. In <c>@@session.x</c> it is <c>@@session</c>; a dot and a name follow.</summary>
    SystemVariable,

    /// <summary><c>?</c></summary>
    Placeholder,

    /// <summary><c>:=</c></summary>
    Assign,

    Equal,
    Semicolon,
    OpenParen,
    CloseParen,
    Comma,
    Dot,
    Operator,

    /// <summary>What MariaDB does not read as SQL: a NUL byte, a string without its end.</summary>
    Invalid,
}
