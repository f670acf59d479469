namespace WolfScale.Protocol.Binlog;

/// <summary>Type 38: ends the group of an XA transaction up to its prepare. one phase 1 · format 4 · two lengths 4 + 4 · data.</summary>
public readonly ref struct XaPrepareEvent
{
    private XaPrepareEvent(bool onePhase, int format, ReadOnlySpan<byte> global, ReadOnlySpan<byte> branch)
    {
        IsOnePhase = onePhase;
        Format = format;
        Global = global;
        Branch = branch;
    }

    public bool IsOnePhase { get; }

    public int Format { get; }

    /// <summary>The XID's global transaction part (<c>gtrid</c>).</summary>
    public ReadOnlySpan<byte> Global { get; }

    /// <summary>The XID's branch part (<c>bqual</c>).</summary>
    public ReadOnlySpan<byte> Branch { get; }

    /// <param name="body">What follows the header, without the checksum.</param>
    /// <exception cref="ProtocolException">The body is too short.</exception>
    public static XaPrepareEvent Read(ReadOnlySpan<byte> body)
    {
        var reader = new PayloadReader(body);
        var onePhase = reader.ReadByte() != 0;
        var format = (int)reader.ReadUInt32();
        var globalLength = reader.ReadUInt32();
        var branchLength = reader.ReadUInt32();
        if (globalLength > 64 || branchLength > 64)
            ProtocolException.Throw($"An XID's parts hold 64 bytes at most; the event says {globalLength} and {branchLength}.");
        return new XaPrepareEvent(onePhase, format, reader.ReadBytes((int)globalLength), reader.ReadBytes((int)branchLength));
    }
}
