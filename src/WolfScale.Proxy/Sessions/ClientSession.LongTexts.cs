using WolfScale.Protocol;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Handshake;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Texts that pass unread. What is known of one must not depend on how its bytes came: as much of it as there is room for is waited for, and classified. The rest is looked through as it passes; a server executes nothing
/// that has not come whole, so what is forbidden in it can still be refused: the server gets no more of it, and the client hears it behind its last byte.
/// <code>
///   text ──▶ 1 up to 128 KiB: classified
///            2 the rest, piece by piece: does another statement follow, does it set what must not be set? then it is sent
/// </code>
/// </summary>
internal sealed partial class ClientSession
{
    /// <summary>Also behind an INSERT in the same text.</summary>
    private const StatementTraits LeavesBehind = StatementTraits.SetsUserVariable | StatementTraits.TakesUserLock | StatementTraits.LocksTables | StatementTraits.CreatesTemporaryTable
        | StatementTraits.OpensHandler | StatementTraits.PreparesSqlStatement | StatementTraits.SetsRole | StatementTraits.SetsNextTransaction | StatementTraits.RunsUnseenText;

    private const string PassedUnread = "a statement of more than 64 KiB passed unread";

    private LongText? _text; // of the command that passes
    private bool _optionWasSet; // COM_SET_OPTION, which no reset takes back
    private int _textLeft; // in its packet
    private ErrPacket? _refusal; // what its client hears of it, and the session ends

    private bool MustAwaitText(CommandCode code, ReadOnlySpan<byte> bytes) =>
        code is CommandCode.Query or CommandCode.StatementPrepare && bytes.Length < Math.Min(PacketHeader.Size + PacketHeader.Read(bytes).PayloadLength, _loop.Scratch.Length);

    /// <summary>1.</summary>
    /// <param name="code">Executes or prepares it.</param>
    /// <param name="bytes">The command as far as it is here.</param>
    /// <param name="text">Looks through the rest; null where there is none.</param>
    /// <returns>False: it is refused, and the session is over.</returns>
    private bool TryBeginText(CommandCode code, Span<byte> bytes, out LongText? text)
    {
        var payload = PacketHeader.Read(bytes).PayloadLength;
        var here = bytes[(PacketHeader.Size + 1)..Math.Min(bytes.Length, PacketHeader.Size + payload)];
        text = null;
        if (here.Length < payload - 1)
        {
            text = new LongText(Classifier) { MayBeSeveral = _optionWasSet || (_login!.Capabilities & Capabilities.MultiStatements) != 0 };
            text.Read(here);
            _textLeft = payload - 1 - here.Length;
        }

        var known = Classify(text is null ? here : here[..text.OpenAt]); // of a string that is cut nothing can be said
        if (known.Special == SpecialStatement.ForbiddenSet || known.Has(StatementTraits.SetsTracking))
        {
            var refusal = ProxyErrors.Forbidden(known.Special == SpecialStatement.ForbiddenSet ? known.Value.Of(here) : "session_track_system_variables"u8);
            if (text is null)
                Refuse(refusal, 1);
            else
                RefuseAtItsEnd(refusal);
            return text is not null;
        }

        if (code == CommandCode.StatementPrepare)
        {
            (_preparing, _lastPrepared) = (([], Unread), 0);
            _state.TieTo("a statement of more than 64 KiB is prepared");
        }

        var onlyWrites = known.Has(StatementTraits.CommitsByAutocommit) && !known.Has(LeavesBehind);
        if (!onlyWrites)
            _state.TieTo(PassedUnread);
        if (known.Has(StatementTraits.SetsRole | StatementTraits.RunsUnseenText))
            _state.LoseRole("its role may have been set in a statement of more than 64 KiB");
        if (text is null)
            return true;
        text.MaySet = !onlyWrites && known.Route != StatementRoute.Local;
        if (text.MaySet)
            text.Search(here);
        Note(text);
        return true;
    }

    /// <summary>2.</summary>
    /// <param name="packets">A part of the command, which goes to the server next.</param>
    private void LookThrough(ReadOnlySpan<byte> packets)
    {
        if (_text is not { } text || _streamIsLost)
            return;
        while (!packets.IsEmpty)
        {
            if (_textLeft == 0)
            {
                _textLeft = PacketHeader.Read(packets).PayloadLength;
                packets = packets[PacketHeader.Size..];
                continue;
            }

            var piece = packets[..Math.Min(_textLeft, packets.Length)];
            text.Read(piece);
            _textLeft -= piece.Length;
            packets = packets[piece.Length..];
        }

        Note(text);
    }

    private void Note(LongText text)
    {
        if (text.Forbidden is { } variable)
        {
            RefuseAtItsEnd(ProxyErrors.Forbidden(variable));
            return;
        }

        if (text.NamesLock || text.HasMore)
            _state.TieTo(PassedUnread);
        if (!text.HasMore)
            return;
        _state.LoseRole("its role may have been set in a statement of more than 64 KiB");
        _preparesAgain = true; // what is reported may have been set too, in a way that no text shows
    }

    /// <summary>With bytes of it unread an error would be cut off together with the connection.</summary>
    private void RefuseAtItsEnd(ErrPacket refusal)
    {
        (_refusal, _streamIsLost) = (refusal, true);
        GiveUpWhenSilent();
        _leader?.Close();
        _leader = null;
    }
}
