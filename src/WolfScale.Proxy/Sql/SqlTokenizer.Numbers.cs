namespace WolfScale.Proxy.Sql;

/// <summary>
/// Where a number ends decides what follows: <c>1for</c> is an identifier, <c>1.5for update</c> and <c>1e5for update</c> are a number and FOR
/// UPDATE (measured).
/// </summary>
public ref partial struct SqlTokenizer
{
    private void ReadNumberOrName()
    {
        int end = Start;
        if (_sql[end] == '0' && At(end + 1) is (byte)'x' or (byte)'b')
        {
            bool hex = At(end + 1) == 'x';
            end += 2;
            while (hex ? ByteClass.IsHexDigit(At(end)) : At(end) is (byte)'0' or (byte)'1')
                end++;
            if (end > Start + 2 && !ByteClass.IsName(At(end)))
            {
                Finish(TokenKind.Number, end - Start);
                return;
            }

            ReadWord(TokenKind.Name);
            return;
        }

        while (ByteClass.IsDigit(At(end)))
            end++;
        if (At(end) == '.')
        {
            ReadFraction(end + 1);
        }
        else if (!ByteClass.IsName(At(end)))
        {
            Finish(TokenKind.Number, end - Start);
        }
        else if (TryReadExponent(ref end))
        {
            Finish(TokenKind.Number, end - Start);
        }
        else
        {
            ReadWord(TokenKind.Name);
        }
    }

    /// <param name="end">Behind the decimal point.</param>
    private void ReadFraction(int end)
    {
        while (ByteClass.IsDigit(At(end)))
            end++;
        _ = TryReadExponent(ref end);
        Finish(TokenKind.Number, end - Start);
    }

    private readonly bool TryReadExponent(ref int end)
    {
        if ((At(end) | 0x20) != 'e')
            return false;
        int digits = At(end + 1) is (byte)'+' or (byte)'-' ? end + 2 : end + 1;
        if (!ByteClass.IsDigit(At(digits)))
            return false;
        while (ByteClass.IsDigit(At(digits)))
            digits++;
        end = digits;
        return true;
    }
}
