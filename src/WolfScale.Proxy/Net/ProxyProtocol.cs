using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Text;

namespace WolfScale.Proxy.Net;

/// <summary>What the first bytes of a connection turned out to be.</summary>
internal enum ProxyHeaderKind : byte
{
    /// <summary>No PROXY header.</summary>
    None,

    /// <summary>One that has not arrived whole.</summary>
    Incomplete,

    /// <summary>One that cannot be understood.</summary>
    Damaged,
    Whole,
}

/// <summary>
/// The PROXY protocol (haproxy.org, proxy-protocol.txt, sections 2.1 and 2.2): a balancer says before anything else on whose behalf it connects. Both versions
/// are read, as MariaDB does; version 2 is written.
/// <code>
///   1:  PROXY TCP4 192.0.2.1 198.51.100.1 50000 3307 CR LF
///   2:  signature 12 · version and command 1 · family 1 · length 2 · source, destination, their ports · anything more
/// </code>
/// </summary>
internal static class ProxyProtocol
{
    /// <summary>A longer one is not sent by anybody: addresses of unix sockets are the longest, and there may be TLVs.</summary>
    private const int LongestHeader = 4096;

    private const int LongestLine = 107;
    private const int FixedBytes = 16;
    private const byte Local = 0x20;
    private const byte OnBehalf = 0x21;
    private const byte Tcp4 = 0x11;
    private const byte Tcp6 = 0x21;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    private static ReadOnlySpan<byte> LineStart => "PROXY "u8;

    /// <summary>Looks at the first bytes of a connection.</summary>
    /// <param name="bytes">As far as they are here.</param>
    /// <param name="length">Bytes of the header.</param>
    /// <param name="client">On whose behalf; null where the header does not say (a health check, a unix socket).</param>
    public static ProxyHeaderKind Read(ReadOnlySpan<byte> bytes, out int length, out IPEndPoint? client)
    {
        (length, client) = (0, null);
        if (Begins(bytes, LineStart))
            return bytes.Length < LineStart.Length ? ProxyHeaderKind.Incomplete : ReadLine(bytes, out length, out client);
        if (!Begins(bytes, Signature))
            return ProxyHeaderKind.None;
        if (bytes.Length < FixedBytes)
            return ProxyHeaderKind.Incomplete;
        length = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (length > LongestHeader || bytes[12] is not (Local or OnBehalf))
            return ProxyHeaderKind.Damaged;
        if (bytes.Length < length)
            return ProxyHeaderKind.Incomplete;
        if (bytes[12] == Local)
            return ProxyHeaderKind.Whole;
        var addresses = bytes[FixedBytes..length];
        var size = bytes[13] switch { Tcp4 => 4, Tcp6 => 16, _ => 0 };
        if (size == 0)
            return ProxyHeaderKind.Whole;
        if (addresses.Length < (2 * size) + 4)
            return ProxyHeaderKind.Damaged;
        client = new IPEndPoint(new IPAddress(addresses[..size]), BinaryPrimitives.ReadUInt16BigEndian(addresses[(2 * size)..]));
        return ProxyHeaderKind.Whole;
    }

    /// <summary>A header of version 2 for a connection on somebody's behalf.</summary>
    /// <param name="client">Whose.</param>
    /// <param name="server">Where the connection goes. Where the families differ, both are written as IPv6.</param>
    public static byte[] Write(IPEndPoint client, IPEndPoint server)
    {
        var (from, to) = (client.Address, server.Address);
        if (from.IsIPv4MappedToIPv6)
            from = from.MapToIPv4();
        if (from.AddressFamily != to.AddressFamily)
            (from, to) = (from.MapToIPv6(), to.MapToIPv6());
        var (source, destination) = (from.GetAddressBytes(), to.GetAddressBytes());
        var header = new byte[FixedBytes + (2 * source.Length) + 4];
        Signature.CopyTo(header);
        (header[12], header[13]) = (OnBehalf, source.Length == 4 ? Tcp4 : Tcp6);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)(header.Length - FixedBytes));
        source.CopyTo(header, FixedBytes);
        destination.CopyTo(header, FixedBytes + source.Length);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(header.Length - 4), (ushort)client.Port);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(header.Length - 2), (ushort)server.Port);
        return header;
    }

    private static bool Begins(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> with) => !bytes.IsEmpty && with.StartsWith(bytes[..Math.Min(bytes.Length, with.Length)]);

    private static ProxyHeaderKind ReadLine(ReadOnlySpan<byte> bytes, out int length, out IPEndPoint? client)
    {
        (length, client) = (0, null);
        var end = bytes[..Math.Min(bytes.Length, LongestLine)].IndexOf("\r\n"u8);
        if (end < 0)
            return bytes.Length < LongestLine ? ProxyHeaderKind.Incomplete : ProxyHeaderKind.Damaged;
        length = end + 2;
        Span<Range> words = stackalloc Range[7];
        var line = Encoding.ASCII.GetString(bytes[..end]);
        var count = line.AsSpan().Split(words, ' ');
        if (count >= 2 && line[words[1]] == "UNKNOWN")
            return ProxyHeaderKind.Whole;
        if (count != 6 || line[words[1]] is not ("TCP4" or "TCP6") || !IPAddress.TryParse(line[words[2]], out var address)
            || !Utf8Parser.TryParse(bytes[words[4]], out ushort port, out var read) || read != bytes[words[4]].Length)
        {
            return ProxyHeaderKind.Damaged;
        }

        client = new IPEndPoint(address, port);
        return ProxyHeaderKind.Whole;
    }
}
