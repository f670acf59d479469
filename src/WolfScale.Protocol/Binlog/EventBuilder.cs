namespace WolfScale.Protocol.Binlog;

/// <summary>Builds events of our own, with checksum: what a master sends besides its log.</summary>
public static class EventBuilder
{
    /// <param name="header">Its length is filled in.</param>
    /// <param name="body">What follows the header, without the checksum.</param>
    public static byte[] Build(EventHeader header, ReadOnlySpan<byte> body)
    {
        var @event = new byte[EventHeader.Size + body.Length + EventChecksum.Size];
        (header with { EventLength = (uint)@event.Length }).Write(@event);
        body.CopyTo(@event.AsSpan(EventHeader.Size));
        EventChecksum.Set(@event);
        return @event;
    }
}
