using System.Text;
using WolfScale.Protocol;

namespace WolfScale.Proxy.Responses;

/// <summary>Kinds of entries in the session-track part of an OK packet (<c>enum_session_state_type</c>).</summary>
internal enum SessionChangeKind : byte
{
    SystemVariables = 0,
    Schema = 1,
    StateChange = 2,
    Gtids = 3,
    TransactionCharacteristics = 4,
    TransactionState = 5,
}

/// <summary>
/// Reads the session-track part of an OK packet, entry by entry: kind 1 · length · data. A system variable's data is name · value, as often as there are variables.
/// </summary>
internal ref struct SessionChanges(ReadOnlySpan<byte> changes)
{
    private PayloadReader _entries = new(changes);
    private PayloadReader _variables;

    public SessionChangeKind Kind { get; private set; }

    /// <summary>A system variable's name, else empty.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>The variable's value, the schema, or the entry's data.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <exception cref="ProtocolException">An entry ends early.</exception>
    public bool Next()
    {
        if (_variables.Remaining > 0)
            return ReadVariable();
        while (!_entries.IsAtEnd)
        {
            Kind = (SessionChangeKind)_entries.ReadByte();
            var data = new PayloadReader(_entries.ReadLengthEncodedBytes());
            Name = default;
            switch (Kind)
            {
                case SessionChangeKind.SystemVariables when data.IsAtEnd:
                    continue;
                case SessionChangeKind.SystemVariables:
                    _variables = data;
                    return ReadVariable();
                case SessionChangeKind.Schema:
                    Value = data.ReadLengthEncodedBytes();
                    return true;
                default:
                    Value = data.ReadRest();
                    return true;
            }
        }

        return false;
    }

    /// <summary>The last <c>last_gtid</c> among these changes. MariaDB reports an empty one where the statement wrote nothing.</summary>
    public static bool TryFindLastGtid(ReadOnlySpan<byte> changes, out Gtid gtid)
    {
        gtid = default;
        var found = false;
        var reader = new SessionChanges(changes);
        while (reader.Next())
        {
            if (reader.Kind == SessionChangeKind.SystemVariables && reader.Name.SequenceEqual("last_gtid"u8))
                found = TryParse(reader.Value, out gtid);
        }

        return found;
    }

    /// <summary>Whether the session's state has changed (<c>session_track_state_change</c>), and whether another entry may be the reason.</summary>
    /// <param name="changes">The session-track part of an OK.</param>
    /// <param name="explained">A system variable or the schema was set.</param>
    public static bool HasStateChanged(ReadOnlySpan<byte> changes, out bool explained)
    {
        var changed = explained = false;
        var reader = new SessionChanges(changes);
        while (reader.Next())
        {
            changed |= reader.Kind == SessionChangeKind.StateChange;
            explained |= reader.Kind == SessionChangeKind.Schema || (reader.Kind == SessionChangeKind.SystemVariables && !reader.Name.SequenceEqual("last_gtid"u8));
        }

        return changed;
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out Gtid gtid)
    {
        Span<char> characters = stackalloc char[Gtid.MaxTextLength];
        gtid = default;
        return text.Length <= characters.Length && Gtid.TryParse(characters[..Encoding.ASCII.GetChars(text, characters)], out gtid);
    }

    private bool ReadVariable()
    {
        Kind = SessionChangeKind.SystemVariables;
        Name = _variables.ReadLengthEncodedBytes();
        Value = _variables.IsAtEnd ? default : _variables.ReadLengthEncodedBytes();
        return true;
    }
}
