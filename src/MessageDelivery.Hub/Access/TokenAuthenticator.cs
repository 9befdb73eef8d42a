using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MessageDelivery.Hub.Access;

/// <summary>Lets in whoever shows the secret of a token in a <see cref="TokenFile"/>.</summary>
public sealed class TokenAuthenticator : IAuthenticator
{
    private readonly Dictionary<ulong, Known[]> _byHash;
    private readonly Dictionary<string, string> _byName;
    private readonly TimeProvider _time;

    /// <param name="file">The tokens as they are now; what becomes of the file later is another authenticator's.</param>
    /// <param name="time">The clock by which they expire; null is the machine's.</param>
    public TokenAuthenticator(TokenFile file, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        _time = time ?? TimeProvider.System;
        _byHash = file.Tokens
            .Select(token => new Known(Convert.FromHexString(token.Hash), token.ToIdentity()))
            .GroupBy(known => BinaryPrimitives.ReadUInt64LittleEndian(known.Hash))
            .ToDictionary(same => same.Key, same => same.ToArray());
        _byName = file.Tokens.ToDictionary(token => token.Name, token => token.Hash, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public ValueTask<AuthenticationResult> AuthenticateAsync(
        ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken)
    {
        Span<byte> hash = stackalloc byte[TokenSecret.HashBytes];
        SHA256.HashData(token.Span, hash);
        Identity? found = null;

        // The first bytes of the hash are the key of the table: without the secret nobody can choose them. The rest is
        // compared in constant time.
        foreach (var known in _byHash.GetValueOrDefault(BinaryPrimitives.ReadUInt64LittleEndian(hash)) ?? [])
        {
            found = CryptographicOperations.FixedTimeEquals(known.Hash, hash) ? known.Identity : found;
        }

        return ValueTask.FromResult(
            found is null ? AuthenticationResult.Refused(AuthenticationFailure.Unknown)
            : found.Expires <= _time.GetUtcNow() ? AuthenticationResult.Refused(AuthenticationFailure.Expired)
            : AuthenticationResult.Success(found));
    }

    /// <summary>Whether the file still has the token of that name with that secret.</summary>
    public bool MayStay(Identity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return identity.Credential is { } hash && _byName.GetValueOrDefault(identity.Name) == hash;
    }

    private sealed record Known(byte[] Hash, Identity Identity);
}
