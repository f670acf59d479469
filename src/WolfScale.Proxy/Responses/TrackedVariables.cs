using System.Text;
using WolfScale.Protocol;

namespace WolfScale.Proxy.Responses;

/// <summary>
/// The system variables whose changes a client hears of: <c>session_track_system_variables</c> as it would be without the proxy, which has the server
/// report all of them; and <c>session_track_state_change</c>. Immutable.
/// </summary>
internal sealed class TrackedVariables
{
    private readonly byte[][]? _names;

    private TrackedVariables(byte[][]? names) => _names = names;

    /// <summary>The server's default.</summary>
    public static TrackedVariables Default { get; } = Parse("autocommit,character_set_client,character_set_connection,character_set_results,time_zone");

    /// <summary>Every one, and that the session's state has changed.</summary>
    public static TrackedVariables All { get; } = new(null) { StateChanges = true };

    /// <param name="list">Names, separated by commas; <c>*</c> stands for all.</param>
    public static TrackedVariables Parse(string list) => list.Contains('*', StringComparison.Ordinal)
        ? new TrackedVariables(null)
        : new TrackedVariables([.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(static name => Encoding.ASCII.GetBytes(name.ToLowerInvariant()))]);

    /// <summary>Hears that the session's state has changed. Off by default.</summary>
    public bool StateChanges { get; private init; }

    /// <summary>The same variables.</summary>
    public TrackedVariables With(bool stateChanges) => stateChanges == StateChanges ? this : new TrackedVariables(_names) { StateChanges = stateChanges };

    public bool Contains(ReadOnlySpan<byte> name)
    {
        if (_names is null)
            return true;
        foreach (var tracked in _names)
        {
            if (name.SequenceEqual(tracked))
                return true;
        }

        return false;
    }

    /// <summary>Copies the changes that the client hears of, in their order.</summary>
    /// <param name="changes">The session-track part of an OK.</param>
    /// <param name="into">At least as long.</param>
    /// <returns>Bytes copied.</returns>
    public int Select(ReadOnlySpan<byte> changes, Span<byte> into)
    {
        var length = 0;
        var reader = new PayloadReader(changes);
        while (!reader.IsAtEnd)
        {
            var start = reader.Position;
            var kind = (SessionChangeKind)reader.ReadByte();
            var data = reader.ReadLengthEncodedBytes();
            if ((kind == SessionChangeKind.SystemVariables && !ContainsFirst(data)) || (kind == SessionChangeKind.StateChange && !StateChanges))
                continue;
            var entry = changes[start..reader.Position];
            entry.CopyTo(into[length..]);
            length += entry.Length;
        }

        return length;
    }

    /// <summary>MariaDB writes an entry for each variable.</summary>
    private bool ContainsFirst(ReadOnlySpan<byte> data) => Contains(new PayloadReader(data).ReadLengthEncodedBytes());
}
