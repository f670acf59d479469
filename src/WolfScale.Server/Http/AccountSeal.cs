using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WolfScale.Server.Http;

/// <summary>
/// How a proxy on another machine asks a node for what its server stores of an account's password, over a way that others may listen on. Both know the
/// cluster's secret; from it come (HKDF, RFC 5869) a key that signs the question and, together with the question's nonce, one that encrypts the answer.
/// <code>
///   proxy ──user, time, nonce, HMAC over all of them──▶ node
///         ◀──AES-256-GCM(hashes; bound to that HMAC)──
/// </code>
/// A question that somebody repeats is refused, and its answer could be read by nobody else anyway; an answer fits its own question alone.
/// </summary>
internal sealed class AccountSeal
{
    public const int NonceBytes = 16;

    private const int KeyBytes = 32;
    private const int TagBytes = 16;
    private const int GcmNonceBytes = 12;

    private readonly byte[] _secret;
    private readonly byte[] _signing;

    /// <param name="secret"><c>cluster.secret</c>, not empty.</param>
    public AccountSeal(string secret)
    {
        _secret = Encoding.UTF8.GetBytes(secret);
        _signing = HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, KeyBytes, info: "wolfscale account-hashes question 1"u8.ToArray());
    }

    /// <summary>A question for this user's hashes.</summary>
    public AccountHashesRequest Ask(string user, DateTimeOffset now)
    {
        var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        var milliseconds = now.ToUnixTimeMilliseconds();
        return new AccountHashesRequest(user, milliseconds, nonce, Sign(user, milliseconds, nonce));
    }

    /// <summary>Whether somebody who knows the secret has asked this. Takes the same time whatever is wrong.</summary>
    public bool IsGenuine(AccountHashesRequest request) =>
        request is { User: { } user, Nonce: { Length: NonceBytes } nonce, Mac: { } mac }
        && CryptographicOperations.FixedTimeEquals(Sign(user, request.TimestampMs, nonce), mac);

    /// <summary>The answer to a genuine question.</summary>
    public AccountHashesDocument Seal(AccountHashesRequest request, IReadOnlyList<byte[]> hashes)
    {
        var plain = hashes.SelectMany(hash => (byte[])[checked((byte)hash.Length), .. hash]).ToArray();
        var sealedBytes = new byte[plain.Length + TagBytes];
        var nonce = RandomNumberGenerator.GetBytes(GcmNonceBytes);
        using var cipher = new AesGcm(EncryptionKey(request), TagBytes);
        cipher.Encrypt(nonce, plain, sealedBytes.AsSpan(0, plain.Length), sealedBytes.AsSpan(plain.Length), request.Mac);
        return new AccountHashesDocument(nonce, sealedBytes);
    }

    /// <summary>The hashes in an answer to this question.</summary>
    /// <exception cref="CryptographicException">It was not made with this secret for this question.</exception>
    public IReadOnlyList<byte[]> Open(AccountHashesRequest request, AccountHashesDocument answer)
    {
        if (answer is not { Nonce.Length: GcmNonceBytes, Sealed.Length: >= TagBytes })
            throw new CryptographicException("The answer is too short.");
        var plain = new byte[answer.Sealed.Length - TagBytes];
        using var cipher = new AesGcm(EncryptionKey(request), TagBytes);
        cipher.Decrypt(answer.Nonce, answer.Sealed.AsSpan(0, plain.Length), answer.Sealed.AsSpan(plain.Length), plain, request.Mac);
        var hashes = new List<byte[]>();
        for (var at = 0; at < plain.Length; at += 1 + plain[at])
            hashes.Add(plain[(at + 1)..(at + 1 + plain[at])]);
        return hashes;
    }

    private byte[] EncryptionKey(AccountHashesRequest request) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, KeyBytes, request.Nonce, "wolfscale account-hashes answer 1"u8.ToArray());

    /// <summary>Over: length of the user 4 · user · time 8 · nonce.</summary>
    private byte[] Sign(string user, long milliseconds, byte[] nonce)
    {
        var name = Encoding.UTF8.GetBytes(user);
        var message = new byte[4 + name.Length + 8 + nonce.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, name.Length);
        name.CopyTo(message, 4);
        BinaryPrimitives.WriteInt64BigEndian(message.AsSpan(4 + name.Length), milliseconds);
        nonce.CopyTo(message, 4 + name.Length + 8);
        return HMACSHA256.HashData(_signing, message);
    }
}
