namespace WolfScale.Proxy.Sql;

/// <summary>
/// Cuts SQL into tokens as MariaDB's lexer does (sql_lex.cc), over the bytes that the client sent. Comments are passed over; the content of
/// executable comments that the server executes is code. It allocates nothing, throws nothing, and always comes to an end.
/// </summary>
public ref partial struct SqlTokenizer
{
    private readonly ReadOnlySpan<byte> _sql;
    private readonly ClassifierOptions _options;
    private int _position;
    private bool _inExecutableComment;
    private bool _nameFollows;

    public SqlTokenizer(ReadOnlySpan<byte> sql, ClassifierOptions options)
    {
        _sql = sql;
        _options = options;
        IsDoubtful = options.Charset == ClientCharset.AsciiUnsafe;
    }

    public TokenKind Kind { get; private set; }

    public int Start { get; private set; }

    /// <summary>Behind the token's last byte.</summary>
    public int End { get; private set; }

    /// <summary>The content: without quotes and without the <c>@</c> of a variable. Doubled quotes and escapes are as they were sent.</summary>
    public TextRange Value { get; private set; }

    /// <summary>Something up to here may mean another thing to the server than to this tokenizer.</summary>
    public bool IsDoubtful { get; private set; }

    /// <summary>The hint found in the comments up to here.</summary>
    public RoutingHint Hint { get; private set; }

    /// <summary>Goes to the next token. At the end it stays there.</summary>
    public void Next()
    {
        int previousEnd = End;
        SkipBlanksAndComments();
        Start = _position;
        if (_position >= _sql.Length)
        {
            // A comment that is executed and does not end is a syntax error.
            IsDoubtful |= _inExecutableComment;
            Finish(TokenKind.End, 0);
            return;
        }

        byte first = _sql[_position];
        if (_nameFollows)
        {
            _nameFollows = false;
            ReadWord(TokenKind.Name);
        }
        else if (ByteClass.IsDigit(first))
        {
            ReadNumberOrName();
        }
        else if (ByteClass.IsName(first))
        {
            ReadWordOrPrefixedString(first);
        }
        else
        {
            ReadSign(first, previousEnd);
        }
    }

    private readonly byte At(int position) => (uint)position < (uint)_sql.Length ? _sql[position] : (byte)0;

    private void Finish(TokenKind kind, int length)
    {
        Kind = kind;
        _position = Start + length;
        End = _position;
        Value = new TextRange(Start, length);
    }

    private void ReadSign(byte first, int previousEnd)
    {
        switch (first)
        {
            case (byte)'\'':
                ReadQuoted(Start, first, TokenKind.String, escapes: !_options.NoBackslashEscapes);
                break;
            case (byte)'"' when _options.AnsiQuotes:
            case (byte)'`':
                ReadQuoted(Start, first, TokenKind.QuotedName, escapes: false);
                break;
            case (byte)'"':
                ReadQuoted(Start, first, TokenKind.String, escapes: !_options.NoBackslashEscapes);
                break;
            case (byte)'@':
                ReadVariable();
                break;
            case (byte)'.':
                ReadDot(previousEnd);
                break;
            case (byte)'\\':
                // \N is NULL, and ends there: "\Nfor update" is NULL FOR UPDATE.
                Finish(At(Start + 1) == 'N' ? TokenKind.Operator : TokenKind.Invalid, At(Start + 1) == 'N' ? 2 : 1);
                IsDoubtful |= Kind == TokenKind.Invalid;
                break;
            case (byte)':' when At(Start + 1) == '=':
                Finish(TokenKind.Assign, 2);
                break;
            default:
                Finish(SignKind(first), 1);
                IsDoubtful |= Kind == TokenKind.Invalid;
                break;
        }
    }

    private static TokenKind SignKind(byte sign) => sign switch
    {
        (byte)'(' => TokenKind.OpenParen,
        (byte)')' => TokenKind.CloseParen,
        (byte)',' => TokenKind.Comma,
        (byte)';' => TokenKind.Semicolon,
        (byte)'=' => TokenKind.Equal,
        (byte)'?' => TokenKind.Placeholder,
        < 0x20 or 0x7F => TokenKind.Invalid,
        _ => TokenKind.Operator,
    };

    private void ReadDot(int previousEnd)
    {
        bool afterName = previousEnd == Start && Kind is (TokenKind.Word or TokenKind.Name or TokenKind.SystemVariable);
        byte next = At(Start + 1);
        if (ByteClass.IsDigit(next) && !afterName)
        {
            ReadFraction(Start + 1);
            return;
        }

        Finish(TokenKind.Dot, 1);
        _nameFollows = ByteClass.IsName(next);
    }

    private void ReadWordOrPrefixedString(byte first)
    {
        if ((first | 0x20) is 'x' or 'b' or 'n' && At(Start + 1) == '\'')
            ReadQuoted(Start + 1, (byte)'\'', TokenKind.String, escapes: !_options.NoBackslashEscapes);
        else
            ReadWord(TokenKind.Word);
    }

    /// <summary>A word directly before a dot and a letter is a qualifier, never a keyword; directly after a dot it is none either.</summary>
    private void ReadWord(TokenKind kind)
    {
        int end = Start;
        byte seen = 0;
        while (end < _sql.Length && ByteClass.IsName(_sql[end]))
            seen |= _sql[end++];
        NoteHighBytes(seen);
        if (At(end) == '.' && ByteClass.IsName(At(end + 1)))
            kind = TokenKind.Name;
        Finish(kind, end - Start);
    }

    private void NoteHighBytes(byte seen) => IsDoubtful |= seen >= 0x80 && _options.Charset != ClientCharset.Utf8;

    /// <summary>From the quote at <paramref name="open"/> to the one that closes it.</summary>
    private void ReadQuoted(int open, byte quote, TokenKind kind, bool escapes)
    {
        int position = open + 1;
        while (true)
        {
            var rest = _sql[Math.Min(position, _sql.Length)..];
            int found = escapes ? rest.IndexOfAny(quote, (byte)'\\') : rest.IndexOf(quote);
            if (found < 0)
            {
                // Without an end it is a syntax error, and what is in it might be code.
                Finish(TokenKind.Invalid, _sql.Length - Start);
                IsDoubtful = true;
                return;
            }

            position += found + 1;
            if (rest[found] == quote)
            {
                if (At(position) != quote || position >= _sql.Length)
                    break;
            }

            position++;
        }

        Finish(kind, position - Start);
        Value = new TextRange(open + 1, position - open - 2);
        // A NUL ends a quoted identifier, and what follows is code.
        IsDoubtful |= kind == TokenKind.QuotedName && Value.Of(_sql).Contains((byte)0);
    }

    private void ReadVariable()
    {
        int position = Start + 1;
        var kind = TokenKind.UserVariable;
        if (At(position) == '@')
        {
            kind = TokenKind.SystemVariable;
            position++;
        }

        byte first = At(position);
        if (first is (byte)'`' or (byte)'"' or (byte)'\'')
        {
            bool name = first == '`' || (first == '"' && _options.AnsiQuotes);
            ReadQuoted(position, first, kind, escapes: !name && !_options.NoBackslashEscapes);
            IsDoubtful |= Kind != TokenKind.Invalid && Value.Of(_sql).Contains((byte)0);
            return;
        }

        int end = position;
        byte seen = 0;
        while (ByteClass.IsName(At(end)) || (kind == TokenKind.UserVariable && At(end) == '.'))
            seen |= At(end++);
        NoteHighBytes(seen);
        Finish(end == position ? TokenKind.Invalid : kind, end - Start);
        IsDoubtful |= end == position;
        Value = new TextRange(position, end - position);
    }
}
