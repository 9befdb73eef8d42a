using System.Net;

namespace MessageDelivery.Hub.Access;

/// <summary>What is known of a connection that shows a token.</summary>
/// <param name="Peer">Its address and port; null if it has none.</param>
/// <param name="CertificateSubject">The subject of its TLS client certificate, which was verified; null if it has none.</param>
public sealed record AuthenticationContext(IPEndPoint? Peer, string? CertificateSubject);
