using System.Text;

namespace WolfScale.Proxy.Sql;

/// <summary>
/// Variables that make a write invisible to the log or give it another identity. GLOBAL server_id and gtid_domain_id are meant too: the
/// cluster has one domain, and ids are checked when a node joins.
/// </summary>
internal static class ForbiddenVariables
{
    private static readonly byte[][] Names =
        [.. "sql_log_bin gtid_domain_id gtid_seq_no skip_replication server_id".Split(' ').Select(Encoding.ASCII.GetBytes)];

    /// <summary>Without server_id: a column may well be called so, and setting it takes privileges.</summary>
    private static ReadOnlySpan<byte[]> Unmistakable => Names.AsSpan(0, 4);

    /// <summary>What the server reports of a session. The OK gate and the session's state depend on it.</summary>
    private static readonly byte[][] Tracking = [.. "session_track_system_variables session_track_schema session_track_state_change".Split(' ').Select(Encoding.ASCII.GetBytes)];

    /// <summary>What <see cref="Find"/> looks for.</summary>
    internal static readonly byte[][] InText = [.. Names.Take(4), .. Tracking];

    public static bool IsTracking(ReadOnlySpan<byte> name)
    {
        foreach (byte[] known in Tracking)
        {
            if (Ascii.EqualsIgnoreCase(name, known))
                return true;
        }

        return false;
    }

    /// <param name="plainInBody">Without <c>@@</c> or SESSION in a routine, where <c>server_id</c> is likely to be the routine's own.</param>
    public static bool Contains(ReadOnlySpan<byte> name, bool plainInBody)
    {
        foreach (byte[] known in plainInBody ? Unmistakable : Names)
        {
            if (Ascii.EqualsIgnoreCase(name, known))
                return true;
        }

        return false;
    }

    /// <summary>
    /// For text that cannot be taken apart: does one of the names stand in it with something behind it that may begin an assignment?
    /// Returns its place, or a negative number.
    /// </summary>
    public static int Find(ReadOnlySpan<byte> text, out int length)
    {
        for (int i = 0; i < text.Length; i++)
        {
            // s, S, g, G
            if ((text[i] | 0x20) is not ('s' or 'g'))
                continue;
            foreach (byte[] known in InText)
            {
                length = known.Length;
                if (text.Length - i >= length && Ascii.EqualsIgnoreCase(text.Slice(i, length), known) && MayAssign(text[(i + length)..]))
                    return i;
            }
        }

        length = 0;
        return -1;
    }

    private static bool MayAssign(ReadOnlySpan<byte> rest)
    {
        int i = 0;
        while (i < rest.Length && IsBetween(rest[i]))
            i++;
        return i < rest.Length && BeginsAssignment(rest[i]);
    }

    /// <summary>Between a name and what assigns to it.</summary>
    public static bool IsBetween(byte value) => ByteClass.IsSpace(value) || value is (byte)'`' or (byte)'"';

    public static bool BeginsAssignment(byte value) => value is (byte)'=' or (byte)':' or (byte)'/' or (byte)'#' or (byte)'-' or >= 0x80;
}
