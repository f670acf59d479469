using System.Text;
using WolfScale.Protocol.Commands;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// What writes and does not look like it: a view that calls a function. A follower's server refuses it (1792), and from there on it counts as what it is. The
/// leader's executes it; when that one's answer is lost, nobody knows whether it was a read, and sent again it would write twice. So it is sent again where it must not write:
/// <code>
///   answer lost ──▶ 1 the next leader's connection is told that it must not write
///                   2 answered: it was a read     refused: it writes, and may have done so before (1180)
///                   3 before the next command the connection may write again
/// </code>
/// </summary>
internal sealed partial class ClientSession
{
    private const int ErrorReadOnlyTransaction = 1792;

    private static readonly byte[] MustNotWrite = Encoding.ASCII.GetBytes("SET SESSION tx_read_only=1");
    private static readonly byte[] MayWriteAgain = Encoding.ASCII.GetBytes("SET SESSION tx_read_only=0");

    private bool _repeats; // the command under way is sent again where it must not write
    private bool _writes; // the error that was kept from the client says so

    /// <summary>Nothing in its text writes, and it begins nothing that would be read-only with it. Who has asked for read-only transactions hears 1792 from any server.</summary>
    private bool IsRead => _flight.Code is CommandCode.Query or CommandCode.StatementExecute && _state.Variable("tx_read_only") is not ("ON" or "1")
        && !_flight.Class.Has(StatementTraits.CommitCapable | StatementTraits.BeginsTransaction | StatementTraits.EndsTransaction | StatementTraits.SetsSessionState | StatementTraits.SetsNextTransaction);

    /// <summary>2.</summary>
    /// <returns>What was sent again as a read is refused.</returns>
    private bool MeetsWriter(ReadOnlySpan<byte> error)
    {
        _writes = error is [ErrPacket.Marker, ErrorReadOnlyTransaction & 0xFF, ErrorReadOnlyTransaction >> 8, ..];
        return _writes && _repeats && _active == _leader;
    }

    /// <summary>A reader's server has refused the command.</summary>
    private void SendRefused()
    {
        if (_writes)
            _flight.Suspect();
        SendToLeader();
    }

    private void AnswerRefusedRepetition()
    {
        DropLeader(); // with it 3
        Answer(ProxyErrors.OutcomeUnknown);
    }

    /// <summary>3.</summary>
    /// <returns>False: nothing is to be done.</returns>
    private bool EndsRepetition()
    {
        if (!_repeats || _leader is not { IsClosed: false } leader)
        {
            _repeats = false;
            return false;
        }

        Prepare(leader);
        return true;
    }
}
