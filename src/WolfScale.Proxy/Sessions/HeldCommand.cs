using System.Buffers;
using WolfScale.Protocol.Commands;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>The command under way, kept until its answer is known: it may have to be sent again, to another server. In a pooled buffer.</summary>
internal struct HeldCommand
{
    private byte[]? _packet;
    private int _length;

    /// <summary>False for a command that is too long to be kept: it passed through and cannot be sent again.</summary>
    public readonly bool IsKept => _packet is not null;

    public readonly Span<byte> Packet => _packet.AsSpan(0, _length);

    public CommandCode Code { get; private set; }

    public StatementClass Class { get; private set; }

    /// <summary>It may have made something durable by now.</summary>
    /// <param name="inTransaction">It ran in a transaction, or without autocommit.</param>
    public readonly bool MayHaveCommitted(bool inTransaction)
    {
        var harmless = inTransaction
            ? Class.Has(StatementTraits.CommitsByAutocommit) && !Class.Has(StatementTraits.MultiStatement)
            : Class.Has(StatementTraits.CommitsOnlyOpenTransaction);
        return Class.Has(StatementTraits.CommitCapable) && !harmless;
    }

    public void Keep(ReadOnlySpan<byte> packet, CommandCode code, StatementClass statement)
    {
        Release();
        (Code, Class) = (code, statement);
        _packet = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(_packet);
        _length = packet.Length;
    }

    /// <summary>A server has refused it because it writes, which its text does not show.</summary>
    public void Suspect() => Class = Class with { Route = StatementRoute.Leader, Traits = Class.Traits | StatementTraits.Doubtful | StatementTraits.CommitCapable };

    /// <summary>A command that is not kept.</summary>
    public void Note(CommandCode code, StatementClass statement)
    {
        Release();
        (Code, Class) = (code, statement);
    }

    public void Release()
    {
        if (_packet is { } packet)
            ArrayPool<byte>.Shared.Return(packet);
        (_packet, _length) = (null, 0);
    }
}
