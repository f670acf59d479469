namespace WolfScale.Unit.Proxy.Fuzzing;

/// <summary>Damages bytes: some are changed, put in, taken out or repeated.</summary>
internal static class Mutator
{
    public static byte[] Mutate(byte[] bytes, Random random)
    {
        var mutated = bytes.ToList();
        for (var n = random.Next(4); n >= 0; n--)
        {
            var at = random.Next(mutated.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < mutated.Count:
                    mutated[at] = (byte)random.Next(256);
                    break;
                case 1 when at < mutated.Count:
                    mutated[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    mutated.InsertRange(at, Bytes(random, random.Next(12)));
                    break;
                case 3:
                    mutated.RemoveRange(at, random.Next(Math.Min(8, mutated.Count - at) + 1));
                    break;
                case 4 when mutated.Count < 4096:
                    mutated.InsertRange(at, mutated.GetRange(at, random.Next(mutated.Count - at + 1)));
                    break;
                default:
                    break;
            }
        }

        return [.. mutated];
    }

    /// <summary>Damages what is in a packet, and leaves its length right: more of it reaches what reads it.</summary>
    public static byte[] MutatePayload(byte[] packet, Random random) =>
        packet.Length <= 4 ? Mutate(packet, random) : RawPeer.Packet(packet[3], Mutate(packet[4..], random));

    public static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
