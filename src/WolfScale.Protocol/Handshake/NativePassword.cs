using System.Security.Cryptography;
using System.Text;

namespace WolfScale.Protocol.Handshake;

/// <summary>
/// <c>mysql_native_password</c>: SHA1(password) XOR SHA1(salt + SHA1(SHA1(password))).
/// </summary>
public static class NativePassword
{
    public const string PluginName = "mysql_native_password";

    /// <summary>Bytes of a scrambled password.</summary>
    public const int Length = SHA1.HashSizeInBytes;

    /// <summary>What the client sends. Empty for an empty password.</summary>
    public static byte[] Scramble(ReadOnlySpan<char> password, ReadOnlySpan<byte> salt)
    {
        if (password.IsEmpty)
            return [];
        var bytes = new byte[Encoding.UTF8.GetByteCount(password)];
        _ = Encoding.UTF8.GetBytes(password, bytes);
        var token = SHA1.HashData(bytes);
        // The salt's length is the other side's choice: no stack for it.
        var mask = SHA1.HashData([.. salt, .. SHA1.HashData(token)]);
        for (var i = 0; i < Length; i++)
            token[i] ^= mask[i];
        CryptographicOperations.ZeroMemory(bytes);
        return token;
    }

    /// <summary>Whether the client's answer proves that it knows the password. Takes the same time for every wrong answer of the right length.</summary>
    public static bool Verify(ReadOnlySpan<char> password, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> answer) =>
        CryptographicOperations.FixedTimeEquals(Scramble(password, salt), answer);
}
