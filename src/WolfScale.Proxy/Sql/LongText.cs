using System.Buffers;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// Looks through a text that comes in pieces and is too long to be kept: whether another statement follows its first, and what it names that the proxy must know of. Where the pieces are cut makes no
/// difference. Strings and comments are told apart as <see cref="SqlTokenizer"/> does it; where that one would be in doubt, and at comments that are executed, something is taken to follow.
/// </summary>
/// <param name="options">How the server reads it.</param>
internal sealed class LongText(ClassifierOptions options)
{
    private enum Within : byte
    {
        Code,
        Dash,
        Dashes,
        Slash,
        Backslash,
        At,
        AtAt,
        Quotes,
        Escape,
        Line,
        BlockBegin,
        BlockM,
        Block,
        BlockStar,
    }

    private static readonly SearchValues<byte> Signs = SearchValues.Create([.. Enumerable.Range(0, 128).Where(IsSign).Select(value => (byte)value)]);
    private static readonly SearchValues<byte> SignsAndHighBytes = SearchValues.Create([.. Enumerable.Range(0, 256).Where(value => value >= 0x80 || IsSign(value)).Select(value => (byte)value)]);

    private readonly WordSearch _assignments = WordSearch.ForAssignments();
    private readonly WordSearch _locks = WordSearch.ForLocks();
    private Within _within;
    private byte _quote;
    private bool _escapes;
    private bool _isName; // in quotes stands a name, in which no server takes a NUL
    private bool _hasClosed; // the byte before was the closing quote: the same again goes on in the same string
    private bool _hasEnded; // the first statement
    private bool _hasMore; // or it is in doubt

    /// <summary>The text may set something before its first statement ends: all of it is searched.</summary>
    public bool MaySet { get; set; }

    /// <summary>The server takes several statements in one text. Else nothing can follow, whatever is in doubt.</summary>
    public bool MayBeSeveral { get; init; } = true;

    /// <summary>Another statement follows the first, or may.</summary>
    public bool HasMore => _hasMore && MayBeSeveral;

    /// <summary>A variable that no client may set here, where one is assigned to behind the first statement, or anywhere where <see cref="MaySet"/>; else null.</summary>
    public byte[]? Forbidden { get; private set; }

    /// <summary>It names GET_LOCK.</summary>
    public bool NamesLock { get; private set; }

    /// <summary>Where in the last piece a string, a name in quotes or a comment begins that did not end in it; the piece's length where none does.</summary>
    public int OpenAt { get; private set; }

    public void Read(ReadOnlySpan<byte> piece)
    {
        int more = _hasMore ? 0 : FindMore(piece);
        if (MaySet || HasMore)
            Forbidden ??= _assignments.Read(MaySet ? piece : piece[more..]);
        NamesLock = NamesLock || _locks.Read(piece) is not null;
    }

    /// <summary>The first piece again, of which <see cref="MaySet"/> was not known yet.</summary>
    public void Search(ReadOnlySpan<byte> piece)
    {
        if (!HasMore)
            Forbidden ??= _assignments.Read(piece);
    }

    /// <returns>Where it begins, or the piece's length.</returns>
    private int FindMore(ReadOnlySpan<byte> piece)
    {
        OpenAt = IsOpen ? 0 : piece.Length;
        if (options.Charset == ClientCharset.AsciiUnsafe)
        {
            _hasMore = true;
            return 0;
        }

        for (int at = 0; at < piece.Length;)
        {
            bool wasOpen = IsOpen;
            int next = _within switch
            {
                Within.Code => ReadCode(piece, at),
                Within.Quotes => ReadQuotes(piece, at),
                Within.Line => ReadLine(piece, at),
                Within.Block => SkipTo(piece, at, (byte)'*', Within.BlockStar),
                _ => at + (Decide(piece[at]) ? 1 : 0),
            };
            if (IsOpen && !wasOpen)
                OpenAt = at;
            else if (!IsOpen)
                OpenAt = piece.Length;
            if (_hasMore)
            {
                OpenAt = piece.Length;
                return at;
            }

            at = next;
        }

        return piece.Length;
    }

    private bool IsOpen => _within >= Within.Quotes;

    private int ReadCode(ReadOnlySpan<byte> piece, int at)
    {
        bool goesOn = _hasClosed && piece[at] == _quote;
        _hasClosed = false;
        if (_hasEnded)
        {
            byte first = piece[at];
            if (ByteClass.IsSpace(first) || first == ';')
                return at + 1;
            if (first is not ((byte)'#' or (byte)'-' or (byte)'/'))
                _hasMore = true;
        }
        else
        {
            int found = piece[at..].IndexOfAny(options.Charset == ClientCharset.Utf8 ? Signs : SignsAndHighBytes);
            if (found != 0)
                return found < 0 ? piece.Length : at + found;
        }

        switch (piece[at])
        {
            case (byte)'\'' or (byte)'"' or (byte)'`':
                Open(piece[at], isName: goesOn ? _isName : piece[at] == '`' || (piece[at] == '"' && options.AnsiQuotes));
                break;
            case (byte)'#':
                _within = Within.Line;
                break;
            case (byte)'-':
                _within = Within.Dash;
                break;
            case (byte)'/':
                _within = Within.Slash;
                break;
            case (byte)'\\':
                _within = Within.Backslash;
                break;
            case (byte)'@':
                _within = Within.At;
                break;
            case (byte)';':
                _hasEnded = true;
                break;
            default:
                _hasMore = true; // a byte that is no part of SQL, or one of which the character set makes something
                break;
        }

        return at + 1;
    }

    private void Open(byte quote, bool isName)
    {
        bool backslashes = !options.NoBackslashEscapes && quote != '`' && !(quote == '"' && options.AnsiQuotes);
        (_within, _quote, _escapes, _isName) = (Within.Quotes, quote, backslashes, isName);
    }

    /// <summary>A quote that is doubled ends the string and begins it again.</summary>
    private int ReadQuotes(ReadOnlySpan<byte> piece, int at)
    {
        var rest = piece[at..];
        int found = _escapes ? rest.IndexOfAny(_quote, (byte)'\\') : rest.IndexOf(_quote);
        _hasMore |= _isName && (found < 0 ? rest : rest[..found]).Contains((byte)0);
        if (found < 0)
            return piece.Length;
        _hasClosed = rest[found] == _quote;
        _within = _hasClosed ? Within.Code : Within.Escape;
        return at + found + 1;
    }

    private int ReadLine(ReadOnlySpan<byte> piece, int at)
    {
        var rest = piece[at..];
        int found = rest.IndexOf((byte)'\n');
        _hasMore |= (found < 0 ? rest : rest[..found]).Contains((byte)0); // it ends the comment
        if (found < 0)
            return piece.Length;
        _within = Within.Code;
        return at + found + 1;
    }

    private int SkipTo(ReadOnlySpan<byte> piece, int at, byte sign, Within then)
    {
        int found = piece[at..].IndexOf(sign);
        if (found < 0)
            return piece.Length;
        _within = then;
        return at + found + 1;
    }

    /// <summary>What the byte before has begun.</summary>
    /// <returns>False where this one is to be looked at again.</returns>
    private bool Decide(byte next)
    {
        switch (_within)
        {
            case Within.Dash when next == '-':
                _within = Within.Dashes;
                return true;
            case Within.Dashes when next == '-':
                _hasMore |= _hasEnded; // the first of them was a minus
                return true;
            case Within.Dashes when ByteClass.IsSpace(next) || ByteClass.IsControl(next):
                _within = Within.Line;
                return false;
            case Within.Slash when next == '*':
                _within = Within.BlockBegin;
                return true;
            case Within.Slash when next == '/':
                _hasMore |= _hasEnded;
                return true;
            case Within.Dash or Within.Dashes or Within.Slash:
                _hasMore |= _hasEnded; // a sign, behind the first statement
                _within = Within.Code;
                return false;
            case Within.Backslash:
                _hasMore |= next != 'N';
                _within = Within.Code;
                return true;
            case Within.At when next == '@':
                _within = Within.AtAt;
                return true;
            case Within.At or Within.AtAt when next is (byte)'\'' or (byte)'"' or (byte)'`':
                Open(next, isName: true);
                return true;
            case Within.At or Within.AtAt:
                _hasMore |= !ByteClass.IsName(next) && !(_within == Within.At && next == '.');
                _within = Within.Code;
                return false;
            case Within.Escape:
                _hasMore |= _isName && next == 0;
                _within = Within.Quotes;
                return true;
            case Within.BlockBegin when next == 'M':
                _within = Within.BlockM;
                return true;
            case Within.BlockBegin or Within.BlockM when next == '!':
                _hasMore = true; // it is executed, or not
                return true;
            case Within.BlockStar when next is (byte)'/' or (byte)'*':
                _within = next == '/' ? Within.Code : Within.BlockStar;
                return true;
            default:
                _within = Within.Block;
                return false;
        }
    }

    private static bool IsSign(int value) =>
        (ByteClass.IsControl((byte)value) && !ByteClass.IsSpace((byte)value)) || (char)value is '\'' or '"' or '`' or '#' or '-' or '/' or '\\' or '@' or ';';
}
