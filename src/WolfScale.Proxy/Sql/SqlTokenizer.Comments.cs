using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>Blanks, the four kinds of comments, and the hints in them.</summary>
public ref partial struct SqlTokenizer
{
    private const int DefaultServerVersion = 101100;

    /// <summary>Every supported server executes what is meant for this version or an earlier one.</summary>
    private const int OldestServerVersion = 100500;

    private void SkipBlanksAndComments()
    {
        while (_position < _sql.Length)
        {
            byte first = _sql[_position];
            if (ByteClass.IsSpace(first))
                _position++;
            else if (first == '#')
                SkipLine(_position + 1);
            else if (first == '-' && At(_position + 1) == '-' && EndsDashes(_position + 2))
                SkipLine(_position + 2);
            else if (first == '/' && At(_position + 1) == '*')
                SkipBlock();
            else if (_inExecutableComment && first == '*' && At(_position + 1) == '/')
                LeaveExecutableComment();
            else
                return;
            _nameFollows = false;
        }
    }

    private void LeaveExecutableComment()
    {
        _inExecutableComment = false;
        _position += 2;
    }

    /// <summary>Two dashes begin a comment only before a blank or a control character: <c>1--1</c> is 2.</summary>
    private readonly bool EndsDashes(int position) =>
        position >= _sql.Length || ByteClass.IsSpace(_sql[position]) || ByteClass.IsControl(_sql[position]);

    private void SkipLine(int start)
    {
        int length = _sql[start..].IndexOf((byte)'\n');
        var comment = length < 0 ? _sql[start..] : _sql.Slice(start, length);
        // A NUL ends the comment for MariaDB, and what follows is code.
        IsDoubtful |= comment.Contains((byte)0);
        ReadHint(comment);
        _position = start + comment.Length;
    }

    private void SkipBlock()
    {
        int content = _position + 2;
        bool mariaDbOnly = At(content) == 'M' && At(content + 1) == '!';
        if (At(content) != '!' && !mariaDbOnly)
        {
            SkipPlainBlock(content);
            return;
        }

        content += mariaDbOnly ? 2 : 1;
        int digits = CountDigits(content);
        if (digits < 5 || IsExecuted(Version(content, digits), mariaDbOnly))
        {
            _inExecutableComment = true;
            _position = content + (digits < 5 ? 0 : digits);
            return;
        }

        SkipNestedBlock(content);
    }

    private void SkipPlainBlock(int content)
    {
        int length = _sql[content..].IndexOf("*/"u8);
        if (length < 0)
        {
            SkipToEndInDoubt();
            return;
        }

        ReadHint(_sql.Slice(content, length));
        _position = content + length + 2;
    }

    /// <summary>An executable comment that is not executed may hold plain comments, one level deep.</summary>
    private void SkipNestedBlock(int content)
    {
        while (true)
        {
            int end = _sql[content..].IndexOf("*/"u8);
            if (end < 0)
            {
                SkipToEndInDoubt();
                return;
            }

            int inner = _sql.Slice(content, end + 1).IndexOf("/*"u8); // of "/*/" the asterisk begins one and ends none
            if (inner < 0)
            {
                _position = content + end + 2;
                return;
            }

            int innerEnd = _sql[(content + inner + 2)..].IndexOf("*/"u8);
            if (innerEnd < 0)
            {
                SkipToEndInDoubt();
                return;
            }

            content += inner + 2 + innerEnd + 2;
        }
    }

    private void SkipToEndInDoubt()
    {
        IsDoubtful = true;
        _position = _sql.Length;
    }

    /// <summary>The version has five or six digits; a seventh is code.</summary>
    private readonly int CountDigits(int position)
    {
        int count = 0;
        while (count < 6 && ByteClass.IsDigit(At(position + count)))
            count++;
        return count;
    }

    private readonly int Version(int position, int digits)
    {
        int version = 0;
        for (int i = 0; i < digits; i++)
            version = (version * 10) + _sql[position + i] - '0';
        return version;
    }

    private bool IsExecuted(int version, bool mariaDbOnly)
    {
        IsDoubtful |= version > OldestServerVersion;
        // What is meant for MySQL 5.7 and later is not for MariaDB.
        bool forMySql = version is >= 50700 and <= 99999;
        return version <= (_options.ServerVersion == 0 ? DefaultServerVersion : _options.ServerVersion) && (!forMySql || mariaDbOnly);
    }

    private void ReadHint(ReadOnlySpan<byte> comment)
    {
        comment = Trim(comment);
        if (comment.Length < 14 || !Ascii.EqualsIgnoreCase(comment[..9], "wolfscale"u8))
            return;
        comment = Trim(comment[9..]);
        if (comment.IsEmpty || comment[0] != ':')
            return;
        comment = Trim(comment[1..]);
        var hint = RoutingHint.None;
        if (Ascii.EqualsIgnoreCase(comment, "leader"u8))
            hint = RoutingHint.Leader;
        else if (Ascii.EqualsIgnoreCase(comment, "local"u8))
            hint = RoutingHint.Local;
        else if (Ascii.EqualsIgnoreCase(comment, "strong"u8))
            hint = RoutingHint.Strong;
        if (hint > Hint)
            Hint = hint;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        int start = 0;
        while (start < text.Length && ByteClass.IsSpace(text[start]))
            start++;
        int end = text.Length;
        while (end > start && ByteClass.IsSpace(text[end - 1]))
            end--;
        return text[start..end];
    }
}
