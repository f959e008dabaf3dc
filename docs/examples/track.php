<?php
// Sends one event of a visitor to Tideline, and prints the visitor's profile id. PHP 8, no packages.
//
//   TIDELINE_URL=https://collect.example.com TIDELINE_SOURCE=shop-web php track.php
declare(strict_types=1);

/** Sends the body until it is taken, at most so often. The events' ids make sure that each is stored once. */
function track(string $url, array $body, int $tries = 5): array
{
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => "content-type: application/json\r\nconnection: close\r\n",
        'content' => json_encode($body, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION),
        'timeout' => 5,
        'ignore_errors' => true,
    ]]);
    for ($left = $tries; ; $left--) {
        $http_response_header = [];
        $answer = @file_get_contents("$url/track", false, $context);
        $status = (int) (explode(' ', $http_response_header[0] ?? '')[1] ?? 0);
        if ($status === 200 || $status === 201) {
            return json_decode($answer, true, flags: JSON_THROW_ON_ERROR);
        }
        // Only these are worth another try: nothing came back, or it cannot be stored right now.
        if (!in_array($status, [0, 503], true) || $left <= 1) {
            throw new RuntimeException("the event was not taken: $status $answer");
        }
        $pause = preg_grep('/^retry-after:/i', $http_response_header);
        sleep($pause ? (int) substr(reset($pause), strlen('retry-after:')) : 1);
    }
}

$url = getenv('TIDELINE_URL') ?: throw new RuntimeException('set TIDELINE_URL to the address of your edge');
$source = getenv('TIDELINE_SOURCE') ?: throw new RuntimeException('set TIDELINE_SOURCE to an event source of type rest');

$answer = track($url, [
    'source' => ['id' => $source],
    // Yours: the same for all events of a visit.
    'session' => ['id' => getenv('TIDELINE_SESSION') ?: bin2hex(random_bytes(16))],
    'events' => [[
        // Yours as well: the same whenever this event is sent.
        'id' => getenv('TIDELINE_EVENT') ?: bin2hex(random_bytes(16)),
        'type' => 'purchase-order',
        'properties' => ['order' => '4711', 'total' => 129.9, 'currency' => 'EUR'],
    ]],
]);
echo $answer['profile']['id'], PHP_EOL;
